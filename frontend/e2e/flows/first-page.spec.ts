// What a phone on a slow network gets first.
import type { Page } from '@playwright/test'
import { expect, test } from '../test'

const BYTES_MAX = 150_000

interface Loaded {
  name: string
  bytes: number
}

/** Scripts and styles that the page has loaded, as they came over the network. */
function code(page: Page): Promise<Loaded[]> {
  return page.evaluate(() => {
    const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    return entries
      .filter((entry) => /\.(?:js|css)$/.test(new URL(entry.name).pathname))
      .map((entry) => ({ name: entry.name, bytes: entry.encodedBodySize }))
  })
}

for (const path of ['/', '/sign-in']) {
  test(`${path} needs less than 150 kB of script and style, and no map or charts`, async ({
    page,
    world,
  }) => {
    await world.lot()
    await page.goto(path)
    if (path === '/') {
      await expect(page.getByRole('button', { name: /^Park now at/ }).first()).toBeVisible()
    } else await expect(page.getByRole('button', { name: 'Sign in' }).last()).toBeVisible()
    const loaded = await code(page)
    const bytes = loaded.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(loaded.length).toBeGreaterThan(2)
    expect(bytes, JSON.stringify(loaded, null, 2)).toBeLessThan(BYTES_MAX)
    expect(
      loaded.map(({ name }) => name).filter((name) => /leaflet|map|chart/i.test(name)),
    ).toEqual([])
  })
}

test('the lots are asked for once, before the scripts are there, and painted first', async ({
  page,
  world,
}) => {
  await world.lot()
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await page.goto('/')
  await expect(page.getByRole('button', { name: /^Park now at/ }).first()).toBeVisible()
  expect(asked.filter((path) => path === '/api/lots')).toHaveLength(1)
  await page.goto('/?q=nowhere')
  await expect(page.getByText('No lot matches')).toBeVisible()
  expect(asked.filter((path) => path === '/api/lots')).toHaveLength(2)
})

test('the page to sign in is asked for beside the application, not by it', async ({ page }) => {
  const asked = page.waitForRequest('**/assets/SignInPage-*.js')
  await page.route('**/assets/app-*.js', async (route) => {
    await asked
    await route.continue()
  })
  await page.goto('/sign-in')
  await expect(page.getByLabel('Email')).toBeVisible()
})

test('no page asks another host, and none breaks its own policy', async ({
  page,
  world,
  server,
}) => {
  const lot = await world.lot({ latitude: 18.52, longitude: 73.86 })
  const elsewhere: string[] = []
  const broken: string[] = []
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(server.url) && !/^(?:data|blob):/.test(url)) elsewhere.push(url)
  })
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) broken.push(message.text())
  })
  await world.signIn(page.context(), world.admin)
  const pages = ['/', '/?view=map', `/lots/${lot.id}`, '/admin', '/admin/insight', '/admin/lots']
  for (const path of [...pages, `/admin/lots/${lot.id}`, '/admin/bookings', '/admin/tasks']) {
    await page.goto(path)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  }
  expect(elsewhere).toEqual([])
  expect(broken).toEqual([])
})
