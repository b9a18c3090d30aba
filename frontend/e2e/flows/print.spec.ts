// What comes out of the printer, also from a dark page.
import { expect, test } from '../test'

test('a receipt is printed black on white on one sheet, without what one can tap', async ({
  world,
  driver,
  page,
  context,
}) => {
  const closed = await world.release(driver, await world.park(driver, await world.lot()))
  await world.signIn(context, driver)
  await page.emulateMedia({ colorScheme: 'dark', media: 'print' })
  await page.goto(`/history/${closed.id}`)
  await expect(page.getByText(closed.reference)).toBeVisible()
  for (const hidden of ['navigation', 'banner', 'button'] as const) {
    for (const one of await page.getByRole(hidden, { includeHidden: true }).all()) {
      await expect(one).toBeHidden()
    }
  }
  const colours = await page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body)
    return [backgroundColor, color]
  })
  expect(colours).toEqual(['rgb(255, 255, 255)', 'rgb(0, 0, 0)'])
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1')
  expect(pdf.match(/\/Type ?\/Page\b/g)).toHaveLength(1)
})
