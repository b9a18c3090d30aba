// Every page and dialog, and how to get there: what is checked of all of them goes along these stops.
import { expect, type Page } from '@playwright/test'
import type { Lot, Stats, TaskId } from '../src/api/types'
import type { Account, World } from './world'

export interface Story {
  world: World
  driver: Account
  lot: Lot
}
interface Stop {
  name: string
  who: 'guest' | 'driver' | 'admin'
  path: (story: Story) => Promise<string> | string
  ready: (page: Page, story: Story) => Promise<void>
}

const heading =
  (name: string, level = 1) =>
  (page: Page) =>
    expect(page.getByRole('heading', { name, level })).toBeVisible()

async function addVehicles(world: World, driver: Account): Promise<void> {
  const vehicles = [{ plate: 'MH 12 AB 1234', name: 'The blue one' }, { plate: 'KA 01 ZZ 9999' }]
  for (const vehicle of vehicles) {
    await world.call(driver, 'POST', '/api/me/vehicles', vehicle)
  }
}

/** Statistics count whole seconds. */
async function parkedForASecond(world: World, lot: Lot): Promise<void> {
  const path = `/api/admin/stats?lot_id=${lot.id}`
  const isCounted = async () => {
    const { days } = await world.call<Stats>(world.admin, 'GET', path)
    return days.some(({ parked_average }) => parked_average > 0)
  }
  await expect.poll(isCounted).toBe(true)
}

const IMPORT_HEADER = 'lot,name,number_of_spots,price_per_hour_minor'
async function previewOf(page: Page, lines: string): Promise<void> {
  const buffer = Buffer.from(`${IMPORT_HEADER}\n${lines}`)
  await page
    .getByLabel('CSV file')
    .setInputFiles({ name: 'lots.csv', mimeType: 'text/csv', buffer })
  await expect(page.getByText(/Nothing is imported until|All lines or none/)).toBeVisible()
}

export const stops: Stop[] = [
  { name: 'find', who: 'guest', path: () => '/', ready: heading('Where are you parking?') },
  {
    name: 'nothing found',
    who: 'guest',
    path: () => '/?q=zzzz',
    ready: (page) => expect(page.getByText('No lot matches')).toBeVisible(),
  },
  {
    name: 'map',
    who: 'guest',
    path: ({ lot }) => `/?view=map&near=${lot.latitude},${lot.longitude}&zoom=13`,
    ready: (page, { lot }) =>
      page
        .getByRole('button', { name: new RegExp(`^${lot.name},`) })
        .first()
        .click(),
  },
  { name: 'sign in', who: 'guest', path: () => '/sign-in', ready: heading('Sign in') },
  {
    name: 'register',
    who: 'guest',
    path: () => '/register',
    ready: heading('Create your account'),
  },
  { name: 'claim', who: 'guest', path: () => '/claim#token=x', ready: heading('Set up Parking') },
  {
    name: 'forgotten password',
    who: 'guest',
    path: () => '/forgot-password',
    ready: heading('Forgot your password?'),
  },
  {
    name: 'forgotten password, sent',
    who: 'guest',
    path: () => '/forgot-password',
    ready: async (page) => {
      await page.getByLabel('Email').fill('nobody@example.com')
      await page.getByRole('button', { name: 'Send link' }).click()
      await expect(page.getByText('Look into your mailbox')).toBeVisible()
    },
  },
  {
    name: 'new password',
    who: 'guest',
    path: () => '/reset-password#token=x',
    ready: (page) => expect(page.getByLabel('New password')).toBeVisible(),
  },
  {
    name: 'new password, incomplete link',
    who: 'guest',
    path: () => '/reset-password',
    ready: (page) => expect(page.getByText('This link is incomplete')).toBeVisible(),
  },
  {
    name: 'unsubscribe',
    who: 'guest',
    path: () => '/unsubscribe#token=x',
    ready: (page) => expect(page.getByRole('button', { name: 'Unsubscribe' })).toBeVisible(),
  },
  { name: 'not found', who: 'guest', path: () => '/nope', ready: heading('Page not found') },
  {
    name: 'lot, signed out',
    who: 'guest',
    path: ({ lot }) => `/lots/${lot.id}`,
    ready: (page, { lot }) => heading(lot.name)(page),
  },
  {
    name: 'lot',
    who: 'driver',
    path: ({ lot }) => `/lots/${lot.id}`,
    ready: (page) => expect(page.getByRole('gridcell').first()).toBeVisible(),
  },
  {
    name: 'park',
    who: 'driver',
    path: ({ lot }) => `/?park=${lot.id}`,
    ready: (page) => expect(page.locator('[data-total]')).toContainText('₹'),
  },
  {
    name: 'park with vehicles',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await addVehicles(world, driver)
      return `/?park=${lot.id}`
    },
    ready: async (page) => {
      await page.getByText('Another', { exact: true }).click()
      await expect(page.getByLabel('Number plate')).toBeVisible()
      await expect(page.locator('[data-total]')).toContainText('₹')
    },
  },
  {
    name: 'find, with the usual lot',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await addVehicles(world, driver)
      await world.release(driver, await world.park(driver, lot))
      return '/'
    },
    ready: (page) => expect(page.getByRole('button', { name: 'Another vehicle' })).toBeVisible(),
  },
  {
    name: 'parking',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await world.park(driver, lot, `AX${Math.random().toString(36).slice(2, 10)}`)
      return '/parking'
    },
    ready: (page) => expect(page.getByRole('article')).toBeVisible(),
  },
  {
    name: 'leave',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await world.park(driver, lot)
      return '/parking'
    },
    ready: (page) => page.getByRole('button', { name: 'Leave and stop the clock' }).click(),
  },
  {
    name: 'a release that waits',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await world.park(driver, lot)
      return '/parking'
    },
    ready: async (page) => {
      await page.getByRole('button', { name: 'Leave and stop the clock' }).click()
      // Not without any network: what the page needs in the other language may still come.
      await page.route(/\/(?:api|health)\//, (route) => route.abort())
      await page.getByRole('button', { name: /^Stop and pay/ }).click()
      await expect(page.getByText('1 release waits for the network.')).toBeVisible()
    },
  },
  {
    name: 'not parked',
    who: 'driver',
    path: () => '/parking',
    ready: (page) => expect(page.getByText('You are not parked')).toBeVisible(),
  },
  {
    name: 'history',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await world.release(
        driver,
        await world.park(driver, lot, `AX${Math.random().toString(36).slice(2, 10)}`),
      )
      await world.park(driver, lot)
      return '/history'
    },
    ready: async (page) => {
      await expect(page.getByText('Closed').first()).toBeAttached()
      await expect(page.getByRole('grid', { name: 'Spend by month' })).toBeVisible()
    },
  },
  {
    name: 'receipt',
    who: 'driver',
    path: async ({ world, driver, lot }) =>
      `/history/${(await world.release(driver, await world.park(driver, lot))).id}`,
    ready: (page) => expect(page.getByText('How it adds up')).toBeVisible(),
  },
  {
    name: 'account',
    who: 'driver',
    path: async ({ world, driver }) => {
      await addVehicles(world, driver)
      return '/account'
    },
    ready: (page) => expect(page.getByText('The blue one')).toBeVisible(),
  },
  {
    name: 'add a vehicle',
    who: 'driver',
    path: () => '/account',
    ready: async (page) => {
      await page.getByRole('button', { name: 'Add vehicle' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Add vehicle' }).click()
      await expect(page.getByText('Enter the number plate')).toBeVisible()
    },
  },
  {
    name: 'export',
    who: 'driver',
    path: async ({ world, driver, lot }) => {
      await world.release(driver, await world.park(driver, lot))
      const { task_id } = await world.call<TaskId>(driver, 'POST', '/api/exports', {})
      return `/exports/${task_id}`
    },
    ready: (page) => expect(page.getByRole('button', { name: 'Download' })).toBeVisible(),
  },
  {
    name: 'export that is gone',
    who: 'driver',
    path: () => '/exports/019ab000-0000-7000-8000-000000000000',
    ready: (page) => expect(page.getByText('This export is not here')).toBeVisible(),
  },
  {
    name: 'reports',
    who: 'driver',
    path: () => '/reports',
    ready: (page) => expect(page.getByText('No report yet')).toBeVisible(),
  },
  {
    name: 'report that is not there',
    who: 'driver',
    path: () => '/reports/2001-01',
    ready: (page) => expect(page.getByText('There is no report of this month')).toBeVisible(),
  },
  {
    name: 'overview',
    who: 'admin',
    path: async ({ world, driver, lot }) => {
      await world.release(driver, await world.park(driver, lot))
      await world.park(driver, lot)
      return '/admin'
    },
    ready: (page) =>
      expect(page.getByRole('grid', { name: 'Busy hours' }).getByRole('gridcell')).toHaveCount(168),
  },
  {
    name: 'insight',
    who: 'admin',
    path: async ({ world, driver, lot }) => {
      await world.lot()
      await world.release(driver, await world.park(driver, lot))
      return '/admin/insight'
    },
    ready: async (page) => {
      await expect(page.getByRole('heading', { name: 'Lots compared' })).toBeVisible()
      await page.getByRole('gridcell').first().focus()
    },
  },
  {
    name: 'insight as tables',
    who: 'admin',
    path: async ({ world, driver, lot }) => {
      await world.release(driver, await world.park(driver, lot))
      await world.park(driver, lot)
      await parkedForASecond(world, lot)
      return `/admin/insight?lot=${lot.id}`
    },
    ready: async (page) => {
      for (const name of ['Revenue', 'Vehicles parked', 'Busy hours']) {
        await page.getByRole('button', { name: `Show as table: ${name}` }).click()
      }
      await expect(page.getByRole('table')).toHaveCount(3)
    },
  },
  {
    name: 'insight of no days',
    who: 'admin',
    path: () => '/admin/insight?from=2026-01-02&to=2026-01-01',
    ready: (page) => expect(page.getByText('The first day is after the last')).toBeVisible(),
  },
  {
    name: 'lots of the operator',
    who: 'admin',
    path: () => '/admin/lots',
    ready: (page) => expect(page.getByText('Updated').first()).toBeVisible(),
  },
  {
    name: 'new lot',
    who: 'admin',
    path: () => '/admin/lots',
    ready: async (page) => {
      await page.getByRole('button', { name: 'New lot' }).click()
      await page.getByRole('button', { name: 'Choose on the map' }).click()
      await page.getByRole('button', { name: 'Create lot' }).click()
      await expect(page.getByText('Enter a name')).toBeVisible()
    },
  },
  {
    name: 'lot of the operator',
    who: 'admin',
    path: ({ lot }) => `/admin/lots/${lot.id}`,
    ready: (page) => expect(page.getByRole('gridcell').first()).toBeVisible(),
  },
  {
    name: 'spot',
    who: 'admin',
    path: async ({ world, driver, lot }) => {
      await world.park(driver, lot, `AX${Math.random().toString(36).slice(2, 10)}`)
      return `/admin/lots/${lot.id}`
    },
    ready: async (page) => {
      await page
        .getByRole('gridcell', { name: /occupied/ })
        .first()
        .click()
      await expect(page.getByRole('button', { name: 'Release' })).toBeVisible()
    },
  },
  { name: 'bookings', who: 'admin', path: () => '/admin/bookings', ready: heading('Bookings') },
  {
    name: 'users',
    who: 'admin',
    // By name: the first page holds only the newest.
    path: ({ driver }) => `/admin/users?q=${driver.email}`,
    ready: (page, { driver }) => expect(page.getByText(driver.email).first()).toBeAttached(),
  },
  {
    name: 'operator reports',
    who: 'admin',
    path: () => '/admin/reports',
    ready: heading('Reports'),
  },
  {
    name: 'operator report',
    who: 'admin',
    path: async ({ world }) => {
      const now = new Date()
      const noon = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 15, 12)
      const at = (hours: number) => new Date(noon + hours * 3_600_000).toISOString()
      await world.server.importCsv('lots', 'lot,name,number_of_spots\nold,Old Market,8')
      await world.server.importCsv(
        'sessions',
        `lot,started_at,ended_at\nold,${at(0)},${at(3)}\nold,${at(1)},${at(2)}`,
      )
      return `/admin/reports/${await world.monthlyReport()}`
    },
    ready: async (page) => {
      await heading('By hour of the day', 2)(page)
      await expect(page.getByRole('button', { name: 'Show as table' })).toBeVisible()
    },
  },
  {
    name: 'mails',
    who: 'admin',
    path: () => '/admin/mails',
    ready: (page) => expect(page.getByText(/@example\.com/).first()).toBeAttached(),
  },
  {
    name: 'mail',
    who: 'admin',
    path: async ({ world, driver }) => `/admin/mails/${await world.mailTo(driver)}`,
    ready: (page) => expect(page.locator('iframe')).toBeVisible(),
  },
  {
    name: 'tasks',
    who: 'admin',
    path: () => '/admin/tasks',
    ready: (page) => expect(page.getByRole('button', { name: 'Run now: Clean up' })).toBeVisible(),
  },
  {
    name: 'audit',
    who: 'admin',
    path: () => '/admin/audit',
    ready: (page) => expect(page.getByText('Account created').nth(1)).toBeAttached(),
  },
  {
    name: 'import of lots',
    who: 'admin',
    path: () => '/admin/lots/import',
    ready: heading('The columns', 2),
  },
  {
    name: 'import of lots, wrong lines',
    who: 'admin',
    path: () => '/admin/lots/import',
    ready: (page) => previewOf(page, 'x,Old Market,none,\ny,,5,100'),
  },
  {
    name: 'import of lots, preview',
    who: 'admin',
    path: async ({ world }) => {
      const csv = `${IMPORT_HEADER}\naxe,Old Market,5,4000`
      await world.server.importCsv('lots', csv)
      return '/admin/lots/import'
    },
    ready: (page) => previewOf(page, 'axe,The Old Market,8,5550\nnew,Harbour,5,100'),
  },
  {
    name: 'settings',
    who: 'admin',
    path: () => '/admin/settings',
    ready: (page) => expect(page.getByText('TIME_ZONE', { exact: true })).toBeVisible(),
  },
  {
    name: 'search, found',
    who: 'admin',
    path: async ({ world, driver, lot }) => {
      await world.park(driver, lot, `AX${Math.random().toString(36).slice(2, 10)}`)
      return '/admin/lots'
    },
    ready: async (page) => {
      await heading('Lots')(page)
      await page.keyboard.press('/')
      await page.getByRole('dialog').getByRole('textbox').fill('ax')
      await expect(page.getByRole('group', { name: 'Bookings' })).toBeVisible()
    },
  },
  {
    name: 'search',
    who: 'admin',
    path: () => '/admin/lots',
    ready: async (page) => {
      await heading('Lots')(page)
      await page.keyboard.press('/')
      await expect(page.getByRole('option').first()).toBeVisible()
    },
  },
]
