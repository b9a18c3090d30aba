import type { Page } from '@playwright/test'
import { expect, test } from '../test'
import { unique } from '../world'

test.use({ viewport: { width: 1_440, height: 900 } })

test.beforeEach(async ({ world, context, page }) => {
  await world.signIn(context, world.admin)
  await page.goto('/admin/audit')
  await expect(page.getByRole('heading', { name: 'Audit' })).toBeVisible()
})

const box = (page: Page) => page.getByRole('dialog').getByRole('textbox')
const found = (page: Page, group: string) =>
  page.getByRole('group', { name: group }).getByRole('option')

test('one box finds bookings by plate and reference, people and lots', async ({ world, page }) => {
  const mark = unique().slice(-8)
  const lot = await world.lot({ name: `Pier ${mark}` })
  const driver = await world.driver(`Kavya ${mark}`)
  const plate = `GA01${mark}`
  const booking = await world.park(driver, lot, plate)

  await page.keyboard.press('/')
  await box(page).fill(`ga-01 ${mark.toLowerCase()}`)
  await expect(found(page, 'Bookings')).toHaveText([
    new RegExp(`${plate}.*${booking.reference} · ${lot.name} · A01.*Parked`),
  ])
  await box(page).fill(booking.reference)
  await expect(found(page, 'Bookings')).toHaveText([new RegExp(plate)])
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`/admin/bookings?plate=${plate}`)
  await expect(page.getByRole('row')).toHaveCount(2)

  await page.keyboard.press('Control+k')
  // It goes on where it was left.
  await expect(box(page)).toHaveValue(booking.reference)
  await page.keyboard.type(mark.toLowerCase())
  await expect(found(page, 'Lots')).toHaveText([lot.name])
  await expect(found(page, 'People')).toHaveText([new RegExp(`${driver.name}.*${driver.email}`)])
  await expect(page.getByRole('dialog').getByRole('status')).toHaveText('2 results')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Search users')).toHaveValue(driver.email)
  await expect(page.getByRole('row').filter({ hasText: driver.name })).toBeVisible()
})

test('what is typed right after Ctrl-K is in the box', async ({ page }) => {
  await page.goto('about:blank')
  const fetched = page.waitForResponse(/CommandMenu-.*js/)
  await page.goto('/admin/audit')
  await (await fetched).finished()
  await expect(page.getByRole('heading', { name: 'Audit' })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.keyboard.type('tasks')
  await expect(box(page)).toHaveValue('tasks')
})

test('the last answer wins, and what is not there is said', async ({ world, page }) => {
  const mark = unique().slice(-8)
  const lot = await world.lot({ name: `Quay ${mark}` })
  await page.route(/\/api\/admin\/search\?q=zz/i, async (route) => {
    await new Promise((done) => setTimeout(done, 1_000))
    await route.continue()
  })
  await page.keyboard.press('Control+k')
  const asked = page.waitForRequest(/search\?q=zzz/)
  await box(page).fill('zzzz-nothing')
  await asked
  await expect(page.getByRole('dialog').getByText('Searching…').first()).toBeAttached()
  await box(page).fill(`quay ${mark}`)
  await expect(found(page, 'Lots')).toHaveText([lot.name])
  await box(page).fill('zzzz-nothing')
  await expect(page.getByText('Nothing found for “zzzz-nothing”')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL('/admin/audit')
})
