// Pictures of every screen, phone and desktop, light and dark: npm run screens.
import { join } from 'node:path'
import type { Browser, Page } from '@playwright/test'
import type { Lot } from '../../src/api/types'
import { test } from '../test'
import type { Account, World } from '../world'

const FOLDER = join(import.meta.dirname, '../../../docs/screens')
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1_440, height: 900 } }

interface Town {
  central: Lot
  driver: Account
  /** That there is a report of. */
  month: string
}

/** Stays of last month, for the report. */
async function buildPast(world: World): Promise<string> {
  const lots = [
    { key: 'harbour', name: 'Harbour Front', city: 'Mumbai', spots: 80, price: 5_000, cars: 1_500 },
    { key: 'museum', name: 'Museum Square', city: 'Pune', spots: 40, price: 3_000, cars: 600 },
  ]
  const rows = lots.map((lot) => [lot.key, lot.name, lot.city, lot.spots, lot.price].join())
  const header = 'lot,name,city,number_of_spots,price_per_hour_minor'
  await world.server.importCsv('lots', [header, ...rows].join('\n'))

  const now = new Date()
  const begin = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 2)
  const sessions = lots.flatMap(({ key, cars }) =>
    Array.from({ length: cars }, (_, n) => {
      const day = n % 26
      // Most come in the morning of the installation's time zone, for two to eight hours.
      const hour = 2 + ((n * 7) % 9) * ((n % 3) + 1) * 0.5
      const start = begin + (day * 24 + hour) * 3_600_000 + (n % 60) * 60_000
      const end = start + (2 + ((n * 5) % 7)) * 3_600_000
      return [key, new Date(start).toISOString(), new Date(end).toISOString()].join()
    }),
  )
  await world.server.importCsv('sessions', ['lot,started_at,ended_at', ...sessions].join('\n'))
  return world.monthlyReport()
}

async function build(world: World): Promise<Town> {
  const lot = (
    name: string,
    address: string,
    city: string,
    rupees: number,
    spots: number,
    more: object = {},
  ) =>
    world.lot({
      name,
      address,
      city,
      price_per_hour_minor: rupees * 100,
      number_of_spots: spots,
      ...more,
    })
  const central = await lot('Central Station', 'Platform Road', 'Mumbai', 60, 100, {
    pin_code: '400001',
    latitude: 18.9398,
    longitude: 72.8355,
  })
  const lakeside = await lot('Lakeside Mall', 'Powai Link Road', 'Mumbai', 40, 60, {
    tariff: { free_minutes: 15, increment_minutes: 15 },
  })
  const tech = await lot('Tech Park North', 'Baner Road', 'Pune', 30, 40, {
    tariff: { daily_cap_minor: 20_000 },
  })
  const old = await lot('Old Market', 'Laxmi Road', 'Pune', 20, 8)
  await lot('Airport T2', 'Andheri East', 'Mumbai', 120, 90)

  const plate = (n: number) => `MH${10 + (n % 40)}AB${1_000 + ((n * 2_711) % 9_000)}`
  const walkIns: [Lot, number][] = [
    [central, 47],
    [lakeside, 30],
    [tech, 19],
    [old, 8],
  ]
  let n = 0
  for (const [where, count] of walkIns) {
    for (let car = 0; car < count; car += 1) {
      n += 1
      const data = { lot_id: where.id, vehicle_plate: plate(n) }
      const booking = await world.call<{ id: string }>(
        world.admin,
        'POST',
        '/api/admin/bookings',
        data,
      )
      // Some have left again, so the grid has gaps.
      if (where !== old && n % 3 === 0) {
        await world.call(world.admin, 'POST', `/api/bookings/${booking.id}/release`)
      }
    }
  }
  const { items } = await world.call<{ items: { id: string; status: string }[] }>(
    world.admin,
    'GET',
    `/api/admin/lots/${central.id}/spots`,
  )
  const free = items.filter((spot) => spot.status === 'free')
  for (const index of [3, 17, 41]) {
    const id = free[index]?.id ?? ''
    await world.call(world.admin, 'PATCH', `/api/spots/${id}`, { out_of_service: true })
  }
  const driver = await world.driver('Ravi Deshpande')
  for (const name of ['Meera Iyer', 'Farhan Shaikh', 'Lakshmi Nair']) {
    await world.park(await world.driver(name), lakeside)
  }
  for (const where of [lakeside, tech, central, tech]) {
    await world.release(driver, await world.park(driver, where, 'MH12AB1234'))
  }
  await world.park(driver, central, 'MH12AB1234')
  return { central, driver, month: await buildPast(world) }
}

interface Screen {
  name: string
  who: 'guest' | 'driver' | 'admin'
  path: (town: Town) => string
  then?: (page: Page) => Promise<void>
}

const screens: Screen[] = [
  { name: 'find', who: 'guest', path: () => '/' },
  { name: 'sign-in', who: 'guest', path: () => '/sign-in' },
  { name: 'lot', who: 'driver', path: ({ central }) => `/lots/${central.id}` },
  { name: 'park', who: 'driver', path: ({ central }) => `/?park=${central.id}` },
  { name: 'parking', who: 'driver', path: () => '/parking' },
  { name: 'history', who: 'driver', path: () => '/history' },
  {
    name: 'receipt',
    who: 'driver',
    path: () => '/history?status=closed',
    then: (page) =>
      page
        .getByRole('link', { name: /Tech Park|am|pm/ })
        .first()
        .click(),
  },
  { name: 'account', who: 'driver', path: () => '/account' },
  { name: 'operator-lots', who: 'admin', path: () => '/admin/lots' },
  {
    name: 'operator-new-lot',
    who: 'admin',
    path: () => '/admin/lots',
    then: (page) => page.getByRole('button', { name: 'New lot' }).click(),
  },
  { name: 'operator-lot', who: 'admin', path: ({ central }) => `/admin/lots/${central.id}` },
  {
    name: 'operator-spot',
    who: 'admin',
    path: ({ central }) => `/admin/lots/${central.id}`,
    then: (page) =>
      page
        .getByRole('gridcell', { name: /occupied/ })
        .first()
        .click(),
  },
  { name: 'operator-bookings', who: 'admin', path: () => '/admin/bookings' },
  { name: 'operator-users', who: 'admin', path: () => '/admin/users' },
  { name: 'operator-reports', who: 'admin', path: () => '/admin/reports' },
  { name: 'operator-report', who: 'admin', path: ({ month }) => `/admin/reports/${month}` },
  { name: 'operator-mails', who: 'admin', path: () => '/admin/mails' },
  {
    name: 'operator-mail',
    who: 'admin',
    path: () => '/admin/mails',
    then: (page) =>
      page
        .getByRole('link', { name: /^Parking operations/ })
        .first()
        .click(),
  },
  { name: 'operator-tasks', who: 'admin', path: () => '/admin/tasks' },
  { name: 'operator-audit', who: 'admin', path: () => '/admin/audit' },
]

async function take(
  browser: Browser,
  baseURL: string,
  world: World,
  town: Town,
  size: keyof typeof SIZES,
): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const who of ['guest', 'driver', 'admin'] as const) {
      const context = await browser.newContext({
        baseURL,
        viewport: SIZES[size],
        deviceScaleFactor: size === 'phone' ? 2 : 1,
        hasTouch: size === 'phone',
        isMobile: size === 'phone',
        colorScheme,
        reducedMotion: 'reduce',
      })
      if (who !== 'guest') await world.signIn(context, who === 'admin' ? world.admin : town.driver)
      const page = await context.newPage()
      for (const { name, path, then } of screens.filter((screen) => screen.who === who)) {
        await page.goto(path(town))
        await page.waitForLoadState('networkidle', { timeout: 1_000 }).catch(() => undefined)
        await then?.(page)
        await page.evaluate(() => document.fonts.ready)
        await page.waitForFunction(() => document.querySelector('.animate-pulse') === null)
        await page.screenshot({ path: join(FOLDER, `${name}-${size}-${colorScheme}.png`) })
      }
      await context.close()
    }
  }
}

test('screens', async ({ browser, world, baseURL }) => {
  test.setTimeout(300_000)
  const town = await build(world)
  await take(browser, baseURL ?? '', world, town, 'phone')
  await take(browser, baseURL ?? '', world, town, 'desktop')
})
