// The way of a driver without a mouse or a finger.
import { tabTo } from '../keyboard'
import { expect, test } from '../test'
import { PASSWORD, unique } from '../world'

test('a newcomer registers, parks and leaves by keyboard alone', async ({ world, page }) => {
  const lot = await world.lot({ number_of_spots: 2 })
  await page.goto('/')
  await tabTo(page, page.getByLabel('Search lots'))
  await page.keyboard.type(lot.name)
  const park = page.getByRole('button', { name: `Park now at ${lot.name}` })
  await expect(page.getByText('1 lot', { exact: true })).toBeVisible()
  await tabTo(page, park)
  await page.keyboard.press('Enter')

  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeFocused()
  await tabTo(page, page.getByRole('link', { name: 'Create account' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Create your account' })).toBeFocused()
  await tabTo(page, page.getByLabel('Name'))
  await page.keyboard.type('Nandini Rao')
  await tabTo(page, page.getByLabel('Email'))
  await page.keyboard.type(`${unique().toLowerCase()}@example.com`)
  await tabTo(page, page.getByLabel('Password', { exact: true }))
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')

  // Back at the lot that was chosen, with the form open.
  const form = page.getByRole('dialog', { name: `Park at ${lot.name}` })
  await expect(form).toBeVisible()
  const plate = form.getByLabel('Number plate')
  if (!(await plate.evaluate((element) => element === document.activeElement))) {
    await tabTo(page, plate)
  }
  await page.keyboard.type('mh 14 ka 7')
  await tabTo(page, form.getByRole('radio', { name: '1 h' }))
  await page.keyboard.press('ArrowRight')
  await expect(form.locator('[data-total]')).toHaveText('₹120.00')
  await page.keyboard.press('Enter')

  await expect(page.locator('[data-spot-label]')).toHaveText('A01')
  await tabTo(page, page.getByRole('button', { name: 'Leave and stop the clock' }))
  await page.keyboard.press('Enter')
  const confirm = page.getByRole('alertdialog')
  await expect(confirm).toBeVisible()
  await tabTo(page, confirm.getByRole('button', { name: /^Stop and pay/ }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible()
})
