import { readFile } from 'node:fs/promises'
import { expect, test } from '../test'
import { unique } from '../world'

test('one downloads all that is kept about oneself, and hears when that does not work', async ({
  world,
  driver,
  page,
  context,
}) => {
  const plate = `KA01${unique().slice(-8)}`
  const parked = await world.park(driver, await world.lot(), plate)
  const stay = await world.release(driver, parked)
  await world.signIn(context, driver)
  await page.goto('/account')
  const section = page.getByRole('region', { name: 'My data' })
  const button = section.getByRole('button', { name: 'Download my data' })

  await context.route('**/api/me/data', (route) => route.abort())
  await button.click()
  await expect(section.getByRole('alert')).toBeVisible()
  await context.unroute('**/api/me/data')

  const coming = page.waitForEvent('download')
  await button.click()
  const file = await coming
  await expect(section.getByRole('alert')).toBeHidden()
  expect(file.suggestedFilename()).toMatch(/^my-parking-data-\d{4}-\d\d-\d\d\.json$/)
  const data = JSON.parse(await readFile(await file.path(), 'utf8')) as Record<string, unknown>
  expect(data.profile).toMatchObject({ name: driver.name, email: driver.email })
  expect(data.bookings).toMatchObject([{ reference: stay.reference, vehicle_plate: plate }])
})
