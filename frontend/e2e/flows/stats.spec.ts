import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import type { Overview } from '../../src/api/types'
import { startServer } from '../server'
import { expect, test as shared } from '../test'
import { World } from '../world'

// A week of March 2025 in two lots: Monday the 3rd at Harbour Front, Tuesday the 4th at both.
const LOTS = `lot,name,number_of_spots,price_per_hour_minor
harbour,Harbour Front,10,5000
museum,=Museum Square,4,3000`
const SESSIONS = `lot,started_at,ended_at
harbour,2025-03-03T04:30:00Z,2025-03-03T06:30:00Z
harbour,2025-03-03T05:30:00Z,2025-03-03T06:30:00Z
harbour,2025-03-04T04:30:00Z,2025-03-04T08:30:00Z
museum,2025-03-04T04:30:00Z,2025-03-04T05:30:00Z`
const WEEK = 'from=2025-03-03&to=2025-03-09'

const test = shared.extend<{ past: undefined }, { past_: undefined }>({
  past_: [
    async ({ server }, use) => {
      await server.importCsv('lots', LOTS)
      await server.importCsv('sessions', SESSIONS)
      await use(undefined)
    },
    { scope: 'worker' },
  ],
  past: [async ({ past_ }, use) => use(past_), { auto: true }],
})

test.use({ viewport: { width: 1_440, height: 900 } })

/** A card, by its heading. */
const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
const tile = (page: Page, name: string) =>
  page
    .getByRole('main')
    .locator('dl > div')
    .filter({ has: page.getByText(name, { exact: true }) })

test('the overview is where an operator begins, and follows who parks', async ({ browser }) => {
  const server = await startServer()
  const world = await World.claim(server)
  const lot = await world.lot({ name: 'Lakeside Mall', number_of_spots: 3 })
  const driver = await world.driver()
  await world.release(driver, await world.park(driver, lot, 'MH12AB1234'))
  const context = await browser.newContext({ baseURL: server.url })
  const page = await context.newPage()
  await page.goto('/sign-in')
  await page.getByLabel('Email').fill(world.admin.email)
  await page.getByLabel('Password', { exact: true }).fill(world.admin.password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL('/admin')
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible()
  await expect(tile(page, 'Occupied now')).toContainText('0 / 3')
  await expect(tile(page, 'Revenue today')).toContainText('₹1')
  await expect(tile(page, 'Revenue today')).toContainText('None yesterday until now')
  await expect(card(page, 'Latest bookings').getByRole('row').nth(1)).toContainText('MH 12 AB 1234')

  // The event stream alone keeps the counts right.
  await page.route('**/api/admin/overview', (route) => route.abort())
  for (const plate of ['KA01AA0001', 'KA01AA0002', 'KA01AA0003']) {
    await world.park(driver, lot, plate)
  }
  await expect(tile(page, 'Occupied now')).toContainText('3 / 3', { timeout: 1_500 })
  await expect(tile(page, 'Open bookings')).toContainText(/^Open bookings\s*3/)

  await page.unroute('**/api/admin/overview')
  const attention = card(page, 'What needs attention')
  await page.reload()
  await expect(attention.getByRole('link', { name: /^No mail server is set/ })).toBeVisible()
  await attention.getByRole('link', { name: /^Lakeside Mall is full/ }).click()
  await expect(page.getByRole('heading', { name: 'Lakeside Mall', level: 1 })).toBeVisible()

  await page.goto('/admin')
  await expect(page.getByText(/Updated/)).toBeVisible()
  await context.setOffline(true)
  await expect(page.getByText('Reconnecting…').first()).toBeVisible()
  await expect(tile(page, 'Occupied now').getByText('3 / 3')).toHaveClass(/text-muted/)
  await context.setOffline(false)
  await expect(tile(page, 'Occupied now').getByText('3 / 3')).not.toHaveClass(/text-muted/)
  await context.close()
  await world.close()
  await server.stop()
})

test('what could not be read is tried again, and nothing wrong is said calmly', async ({
  world,
  page,
  context,
}) => {
  await world.signIn(context, world.admin)
  await page.route('**/api/admin/overview', (route) => route.fulfill({ status: 500 }))
  await page.goto('/admin')
  await page.getByRole('button', { name: 'Try again: Busy hours' }).waitFor()
  await page.route('**/api/admin/overview', async (route) => {
    const response = await route.fetch()
    const overview = (await response.json()) as Overview
    await route.fulfill({ response, json: { ...overview, attention: [] } })
  })
  await page.getByRole('button', { name: 'Try again: Busy hours' }).click()
  await expect(card(page, 'What needs attention')).toContainText('All is well')
  await expect(tile(page, 'Out of service')).toContainText('Every spot is in service')
})

test('a chart is read by keyboard, as a table and as a file', async ({ world, page, context }) => {
  await world.signIn(context, world.admin)
  await page.goto(`/admin/insight?${WEEK}`)
  const revenue = page.getByRole('grid', { name: 'Revenue' })
  await expect(revenue.getByRole('gridcell')).toHaveCount(7)
  await page.getByRole('button', { name: 'Save as CSV: Revenue' }).focus()
  const goes = async (key: string, name: string) => {
    await page.keyboard.press(key)
    await expect(page.locator(':focus')).toHaveAttribute('aria-label', name)
  }
  await goes('Tab', 'Mon, 3 Mar, ₹150.00, 2 bookings')
  await expect(page.locator('[data-tip]')).toContainText('₹150.00')
  await goes('ArrowRight', 'Tue, 4 Mar, ₹230.00, 2 bookings')
  await goes('End', 'Sun, 9 Mar, ₹0.00, No bookings')
  await page.keyboard.press('Escape')
  await expect(page.locator('[data-tip]')).toBeHidden()

  const hours = page.getByRole('grid', { name: 'Busy hours' })
  await hours.getByRole('gridcell').first().focus()
  await goes('ArrowDown', 'Tuesday, 12 am, 0% occupied, 0 parked, No bookings started')
  for (let hour = 0; hour < 10; hour += 1) await page.keyboard.press('ArrowRight')
  await expect(page.locator(':focus')).toHaveAttribute(
    'aria-label',
    'Tuesday, 10 am, 14% occupied, 2 parked, 2 bookings started',
  )

  await page.getByRole('button', { name: 'Show as table: Revenue' }).click()
  const rows = card(page, 'Revenue').getByRole('row')
  await expect(rows.nth(2)).toHaveText(/Tue, 4 Mar\s*₹230.00\s*2/)
  const saving = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save as CSV: Revenue' }).click()
  const file = await saving
  expect(file.suggestedFilename()).toBe('parking-revenue-2025-03-03-2025-03-09.csv')
  expect((await readFile(await file.path(), 'utf8')).split('\r\n').slice(0, 3)).toEqual([
    '\uFEFFDay,Revenue (INR),Bookings',
    '2025-03-03,150,2',
    '2025-03-04,230,2',
  ])
})

test('insight is of any days and any lot, and its address keeps them', async ({
  world,
  page,
  context,
}) => {
  await world.signIn(context, world.admin)
  await page.goto('/admin/insight')
  await page.getByText('Last month', { exact: true }).click()
  await expect(page).toHaveURL('/admin/insight?period=last-month')
  await expect(page.getByLabel('To', { exact: true })).toHaveValue(/-(28|29|30|31)$/)
  await page.getByLabel('From').fill('2025-03-03')
  await page.getByLabel('To', { exact: true }).fill('2025-03-02')
  await expect(page.getByText('The first day is after the last')).toBeVisible()
  await page.getByLabel('To', { exact: true }).fill('2025-03-09')
  await expect(page).toHaveURL(`/admin/insight?${WEEK}`)
  await expect(tile(page, 'Revenue')).toContainText('₹380')
  await expect(tile(page, 'Revenue')).toContainText('None in the 7 days before')
  await expect(tile(page, 'Average stay')).toContainText('2 h')

  const lots = page.getByRole('table', { name: 'Lots compared' })
  const first = lots.getByRole('row').nth(1)
  await expect(first).toContainText('Harbour Front')
  await lots.getByRole('button', { name: 'Lot' }).click()
  await expect(page).toHaveURL(/sort=name.up/)
  await expect(lots.getByRole('columnheader', { name: 'Lot' })).toHaveAttribute(
    'aria-sort',
    'ascending',
  )
  await expect(first).toContainText('=Museum Square')
  const saving = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save as CSV: Lots compared' }).click()
  const csv = await readFile(await (await saving).path(), 'utf8')
  expect(csv).toContain("\r\n'=Museum Square,4,1,1,")

  const lot = page.getByRole('combobox', { name: 'Lot' })
  await expect(lot).toHaveValue('All lots')
  await lot.fill('nothing like it')
  await expect(page.getByText('No lot matches')).toBeVisible()
  await lot.fill('museum')
  await expect(page.getByRole('option')).toHaveText(['=Museum Square'])
  await lot.press('Enter')
  await expect(lot).toHaveValue('=Museum Square')
  await expect(tile(page, 'Revenue')).toContainText('₹30')
  await page.reload()
  await expect(tile(page, 'Revenue')).toContainText('₹30')
  await expect(lots).toBeHidden()
  await page.getByText('30 days', { exact: true }).click()
  await expect(card(page, 'Revenue')).toContainText('Nothing parked in this time yet')
})

test('history begins with what it came to, and keeps the charts away from a phone', async ({
  world,
  driver,
  browser,
  baseURL,
}) => {
  const lot = await world.lot({ name: 'Tech Park North' })
  for (let n = 0; n < 2; n += 1) await world.release(driver, await world.park(driver, lot))
  const context = await browser.newContext({
    baseURL,
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    locale: 'en-IN',
  })
  await world.signIn(context, driver)
  const page = await context.newPage()
  await page.goto('/history')
  const summary = card(page, 'Your parking so far')
  await expect(summary).toContainText(/Stays\s*2.*Spend\s*₹2/)
  const toggle = summary.getByRole('button', { name: 'Charts' })
  await expect(toggle).toHaveAttribute('aria-expanded', 'false')
  await toggle.tap()
  await page.getByRole('gridcell', { name: /₹2.00, 2 stays/ }).tap()
  await expect(page.locator('[data-tip]')).toContainText('2 stays')
  await page.getByRole('heading', { name: 'Where you park' }).tap()
  await expect(page.locator('[data-tip]')).toBeHidden()
  await expect(page.getByRole('list', { name: 'Where you park' })).toContainText('Tech Park North')
  await page.reload()
  await expect(toggle).toHaveAttribute('aria-expanded', 'true')
  await context.close()
})
