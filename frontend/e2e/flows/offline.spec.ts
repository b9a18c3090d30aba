import type { BrowserContext, Page, Request } from '@playwright/test'
import type { Booking, Lot } from '../../src/api/types'
import { startProxy } from '../proxy'
import { expect, test } from '../test'
import type { Account, World } from '../world'

test.use({ serviceWorkers: 'allow' })

interface Stay {
  world: World
  driver: Account
  context: BrowserContext
  page: Page
}

/** Parked, on the page that shows it, and all that it needs is on the device. */
async function parked({ world, driver, context, page }: Stay, home = ''): Promise<[Lot, Booking]> {
  const lot = await world.lot({ number_of_spots: 3 })
  const booking = await world.park(driver, lot)
  await world.signIn(context, driver, home)
  await page.goto(`${home}/parking`)
  await expect(card(page)).toBeVisible()
  await page.waitForFunction(async () => {
    await navigator.serviceWorker.ready
    return (
      navigator.serviceWorker.controller !== null &&
      localStorage.getItem('parking:last-known')?.includes('"bookings":{')
    )
  })
  return [lot, booking]
}

/** As the device keeps it. */
interface Tap {
  tappedAt: number
}

const card = (page: Page) => page.getByRole('article')
const waiting = (page: Page) => card(page).getByText(/^Release at .+ waits for the network$/)

async function leave(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Leave and stop the clock' }).click()
  await page.getByRole('button', { name: /^Stop and pay/ }).click()
}
const isRelease = (request: Request) =>
  request.method() === 'POST' && request.url().endsWith('/release')

test('without a network one stays signed in, sees where one is parked, and what cannot be done', async ({
  world,
  driver,
  context,
  page,
}) => {
  const [lot] = await parked({ world, driver, context, page })
  await page.goto('/')
  await page.getByLabel('Search lots').fill(lot.name)
  await expect(page.locator(`[data-lot="${lot.id}"]`)).toBeVisible()
  await context.setOffline(true)
  await page.goto('/parking')
  await expect(card(page).locator('[data-spot-label]')).toHaveText('A01')
  await expect(page.getByText(/As of /)).toBeVisible()
  await expect(page.getByText('What you see is what was last known.')).toBeVisible()
  const clock = card(page).locator('[data-clock]')
  const before = await clock.textContent()
  await expect(clock).not.toHaveText(before ?? '')

  await page.getByRole('link', { name: 'Find' }).first().click()
  await page.getByLabel('Search lots').fill(lot.name)
  const found = page.locator(`[data-lot="${lot.id}"]`)
  await expect(found).toContainText('Parking needs the network')
  await expect(found.getByRole('button', { name: /Park now/ })).toBeDisabled()
  await expect(page.getByRole('complementary', { name: 'Parked' })).toContainText('A01')

  await context.setOffline(false)
  await expect(found.getByRole('button', { name: /Park now/ })).toBeEnabled()
  await page.getByRole('link', { name: 'History' }).first().click()
  await expect(page.getByRole('row')).toHaveCount(2)
})

test('a release without a network waits, stands still, can be taken back, and counts from the tap', async ({
  world,
  driver,
  context,
  page,
}) => {
  const [, { id }] = await parked({ world, driver, context, page })
  await context.setOffline(true)
  await leave(page)
  await expect(waiting(page)).toBeVisible()
  await expect(page.getByText('1 release waits for the network.')).toBeVisible()
  const stopped = await card(page).locator('[data-clock]').textContent()

  await page.getByRole('button', { name: 'Take back, I am still parked' }).click()
  await expect(waiting(page)).toBeHidden()
  await expect(card(page).locator('[data-clock]')).not.toHaveText(stopped ?? '')

  await leave(page)
  await expect(waiting(page)).toBeVisible()
  const tappedAt = await page.evaluate(() => {
    const [release] = JSON.parse(localStorage.getItem('parking:releases') ?? '[]') as Tap[]
    return release?.tappedAt
  })
  const sent = page.waitForRequest(isRelease)
  await context.setOffline(false)
  expect((await sent).headers()['idempotency-key']).toMatch(/^[0-9a-f]{32}$/)
  await expect(page.getByText(/^Spot A01 was released at/)).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible()
  await expect(page.getByText(/Released without a network at/)).toBeVisible()
  const closed = await world.call<Booking>(driver, 'GET', `/api/bookings/${id}`)
  expect(Date.parse(closed.released_at ?? '')).toBe(tappedAt)
})

test('a release waits though the app is closed, and is sent by one tab when the network is back', async ({
  world,
  driver,
  context,
  page,
}) => {
  const [, { id }] = await parked({ world, driver, context, page })
  await context.setOffline(true)
  await leave(page)
  await expect(waiting(page)).toBeVisible()
  await page.close()

  const [again, other] = [await context.newPage(), await context.newPage()]
  for (const tab of [again, other]) {
    await tab.goto('/parking')
    await expect(waiting(tab)).toBeVisible()
  }
  const releases: Request[] = []
  context.on('request', (request) => {
    if (isRelease(request)) releases.push(request)
  })
  await context.setOffline(false)
  for (const tab of [again, other]) await expect(waiting(tab)).toBeHidden()
  const closed = await world.call<Booking>(driver, 'GET', `/api/bookings/${id}`)
  expect(closed.status).toBe('closed')
  expect(releases).toHaveLength(1)
})

test('a release that comes too late is told plainly, and can be done now', async ({
  world,
  driver,
  context,
  page,
}) => {
  const [, { id }] = await parked({ world, driver, context, page })
  await context.setOffline(true)
  await leave(page)
  await expect(waiting(page)).toBeVisible()
  // As if the phone had been off for three hours: longer than the server allows.
  await page.evaluate(() => {
    const releases = JSON.parse(localStorage.getItem('parking:releases') ?? '[]') as Tap[]
    const earlier = releases.map((item) => ({ ...item, tappedAt: item.tappedAt - 3 * 3_600_000 }))
    localStorage.setItem('parking:releases', JSON.stringify(earlier))
  })
  await context.setOffline(false)
  await expect(card(page).getByText(/was not accepted$/)).toBeVisible()
  await expect(card(page)).toContainText('The clock has run on since.')
  const open = await world.call<Booking>(driver, 'GET', `/api/bookings/${id}`)
  expect(open.status).toBe('open')

  await page.getByRole('button', { name: 'Release now' }).click()
  await page.getByRole('button', { name: /^Stop and pay/ }).click()
  await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible()
  await expect(page.getByText(/Released without a network/)).toBeHidden()
})

test('a server that is gone at the wrong moment loses no release', async ({
  world,
  driver,
  context,
  page,
  server,
}) => {
  const proxy = await startProxy(server)
  await parked({ world, driver, context, page }, proxy.url)
  proxy.answer = (request) => {
    request.socket.destroy()
    return true
  }
  await leave(page)
  await expect(waiting(page)).toBeVisible()
  await expect(page.getByText('The server cannot be reached.')).toBeVisible()
  proxy.answer = () => false
  await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible()
  await expect(page.getByText('The server cannot be reached.')).toBeHidden()
  await proxy.stop()
})

test('the device forgets at the sign-out, and asks first when a release waits', async ({
  world,
  driver,
  context,
  page,
}) => {
  await parked({ world, driver, context, page })
  await page.goto('/account')
  await expect(page.getByLabel('Name')).toBeVisible()
  await context.setOffline(true)
  await page.goto('/parking')
  await leave(page)
  await expect(waiting(page)).toBeVisible()
  await page.goto('/account')
  await page.getByRole('button', { name: 'Sign out' }).click()
  const sure = page.getByRole('alertdialog')
  await expect(sure).toContainText('It has not been sent yet.')
  await sure.getByRole('button', { name: 'Sign out anyway' }).click()
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible()
  const kept = await page.evaluate(() => ({ ...localStorage }))
  expect(JSON.stringify(kept)).not.toContain(driver.id)
  expect(JSON.stringify(kept)).not.toContain(driver.email)
  expect(JSON.stringify(kept)).not.toContain('A01')
  await page.goto('/parking')
  await expect(page.getByRole('heading', { name: 'Where are you parking?' })).toBeVisible()
  await expect(page.getByText('This page is not on your device yet.')).toBeVisible()
})

test('what one driver leaves on a device, the next does not see', async ({
  world,
  driver,
  context,
  page,
}) => {
  const [, booking] = await parked({ world, driver, context, page })
  // The session ends without a sign-out, as after a month.
  await page.evaluate(() => window.dispatchEvent(new Event('pagehide')))
  await world.signIn(context, await world.driver('Meera Iyer'))
  await page.goto('/parking')
  await expect(page.getByText('You are not parked')).toBeVisible()
  await context.setOffline(true)
  await page.reload()
  await expect(page.getByText('You are not parked')).toBeVisible()
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }))
  expect(kept).not.toContain(booking.id)
})
