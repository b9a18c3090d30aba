// Pictures of the main screens, of the demo's city; none of them may log an error. `make screens` writes them into docs/.
import { join } from 'node:path'
import { expect, test, type Browser, type Page } from '@playwright/test'
import { startServer, type Server } from '../server'
import { signIn } from '../world'

const FOLDER = process.env.SCREENS ?? join(import.meta.dirname, '../../test-results/screens')
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1_440, height: 900 } }
const DEMO_DAYS = 120

type Size = keyof typeof SIZES
type Language = 'en' | 'hi'

interface Screen {
  name: string
  who: 'guest' | 'driver' | 'operator'
  path: string
  then?: (page: Page) => Promise<void>
}

const first = (page: Page, role: 'link' | 'button' | 'gridcell', name: RegExp) =>
  page.getByRole('main').getByRole(role, { name }).first()

const find: Screen = { name: 'find', who: 'driver', path: '/' }
const parking: Screen = { name: 'parking', who: 'driver', path: '/parking' }
const overview: Screen = { name: 'operator-overview', who: 'operator', path: '/admin' }
const grid: Screen = {
  name: 'operator-lot',
  who: 'operator',
  path: '/admin/lots?q=Airport',
  then: (page) => first(page, 'link', /Airport/).click(),
}

/** Seen on a phone first. */
const ofDrivers: Screen[] = [
  find,
  { name: 'map', who: 'driver', path: '/?view=map' },
  {
    name: 'lot',
    who: 'driver',
    path: '/?q=Riverside',
    then: (page) => first(page, 'link', /Riverside/).click(),
  },
  {
    name: 'park',
    who: 'driver',
    path: '/?q=Riverside',
    then: (page) => first(page, 'button', /Park now/).click(),
  },
  parking,
  { name: 'history', who: 'driver', path: '/history' },
  {
    name: 'receipt',
    who: 'driver',
    path: '/history?status=closed',
    then: (page) => first(page, 'link', /Tech Park/).click(),
  },
  { name: 'account', who: 'driver', path: '/account' },
  { name: 'sign-in', who: 'guest', path: '/sign-in' },
  // The last of the driver: the network stays away.
  {
    name: 'offline',
    who: 'driver',
    path: '/parking',
    then: async (page) => {
      await page.context().setOffline(true)
      await first(page, 'button', /Leave and stop/).click()
      await page.getByRole('button', { name: /^Stop and pay/ }).click()
      await page.getByText(/waits for the network$/).waitFor()
    },
  },
]

/** Seen at a desk. */
const ofTheOperator: Screen[] = [
  overview,
  { name: 'operator-insight', who: 'operator', path: '/admin/insight' },
  { name: 'operator-lots', who: 'operator', path: '/admin/lots' },
  {
    name: 'operator-new-lot',
    who: 'operator',
    path: '/admin/lots',
    then: (page) => page.getByRole('button', { name: 'New lot' }).click(),
  },
  grid,
  {
    name: 'operator-spot',
    who: 'operator',
    path: grid.path,
    then: async (page) => {
      await grid.then?.(page)
      await first(page, 'gridcell', /occupied/).click()
    },
  },
  {
    name: 'operator-search',
    who: 'operator',
    path: '/admin/bookings',
    then: async (page) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('dialog').getByRole('textbox').fill('MH12A')
      await page.getByRole('group', { name: 'Bookings' }).waitFor()
    },
  },
  { name: 'operator-import', who: 'operator', path: '/admin/lots/import' },
  { name: 'operator-bookings', who: 'operator', path: '/admin/bookings' },
  { name: 'operator-users', who: 'operator', path: '/admin/users' },
  {
    name: 'operator-report',
    who: 'operator',
    path: '/admin/reports',
    then: (page) => first(page, 'link', /\d{4}/).click(),
  },
  { name: 'operator-mails', who: 'operator', path: '/admin/mails' },
  { name: 'operator-tasks', who: 'operator', path: '/admin/tasks' },
  { name: 'operator-audit', who: 'operator', path: '/admin/audit' },
  {
    name: 'operator-settings',
    who: 'operator',
    path: '/admin/settings',
    // Not those that hold a path of the machine.
    then: (page) => page.getByRole('main').getByRole('textbox').fill('mail'),
  },
]

let server: Server
test.beforeAll(async () => {
  server = await startServer({}, DEMO_DAYS)
})
test.afterAll(async () => {
  await server.stop()
})

async function take(
  browser: Browser,
  screens: Screen[],
  size: Size,
  colorScheme: 'light' | 'dark',
  language: Language = 'en',
): Promise<void> {
  for (const who of ['guest', 'driver', 'operator'] as const) {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: SIZES[size],
      deviceScaleFactor: size === 'phone' ? 2 : 1,
      hasTouch: size === 'phone',
      isMobile: size === 'phone',
      colorScheme,
      reducedMotion: 'reduce',
    })
    if (who !== 'guest' && server.demo) await signIn(context, server.demo[who])
    const page = await context.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`))
    page.on('console', (message) => {
      const isOffline = message.text().includes('ERR_INTERNET_DISCONNECTED')
      if (message.type() === 'error' && !isOffline) errors.push(`${page.url()}: ${message.text()}`)
    })
    if (language !== 'en') await speak(page, language)
    // The first visit is in the system's font.
    await page.goto('/')
    await settle(page)
    for (const { name, path, then } of screens.filter((screen) => screen.who === who)) {
      await page.goto(path)
      await settle(page)
      await then?.(page)
      await settle(page)
      const suffix = language === 'en' ? colorScheme : language
      await page.screenshot({ path: join(FOLDER, `${name}-${size}-${suffix}.png`) })
    }
    expect(errors).toEqual([])
    await context.close()
  }
}

/** Everything is loaded that a picture shows. */
async function settle(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle', { timeout: 1_500 }).catch(() => undefined)
  await page.evaluate(() => document.fonts.ready)
  await page.waitForFunction(() => document.querySelector('.animate-pulse') === null)
}

async function speak(page: Page, language: Language): Promise<void> {
  await page.route('**/api/me', async (route) => {
    const response = await route.fetch()
    const profile = (await response.json()) as { preferences: object }
    const preferences = { ...profile.preferences, language }
    await route.fulfill({ response, json: { ...profile, preferences } })
  })
}

test.describe.configure({ timeout: 180_000 })

for (const colorScheme of ['light', 'dark'] as const) {
  test(`what drivers see on a phone, ${colorScheme}`, ({ browser }) =>
    take(browser, ofDrivers, 'phone', colorScheme))
  test(`what the operator sees at a desk, ${colorScheme}`, ({ browser }) =>
    take(browser, ofTheOperator, 'desktop', colorScheme))
}
test('drivers at a desk, the operator on a phone, and both in Hindi', async ({ browser }) => {
  await take(browser, [find, parking], 'desktop', 'light')
  await take(browser, [overview, grid], 'phone', 'light')
  await take(browser, [find, parking], 'phone', 'light', 'hi')
  await take(browser, [overview], 'desktop', 'light', 'hi')
})
