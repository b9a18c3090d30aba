import type { Page } from '@playwright/test'
import type { Lot } from '../../src/api/types'
import { expect, test } from '../test'
import { unique, type World } from '../world'

const pin = (page: Page, name: string) =>
  page.getByRole('button', { name: new RegExp(`^${name}, `) })
const theMap = (page: Page) => page.getByRole('application', { name: 'Map of lots' })

/** Far out at sea, where no other test has its lots. */
async function island(world: World): Promise<{ near: Lot; far: Lot; name: string; at: string }> {
  const latitude = -15 - Math.random() * 20
  const longitude = -100 - Math.random() * 40
  const name = `Isle ${unique()}`
  const near = await world.lot({ name: `${name} near`, latitude, longitude })
  const far = await world.lot({
    name: `${name} far`,
    latitude: latitude + 0.006,
    longitude: longitude + 0.012,
  })
  return { near, far, name, at: `near=${latitude.toFixed(4)},${longitude.toFixed(4)}&zoom=15` }
}

test('lots on the map have live counts, and a card that parks', async ({
  world,
  driver,
  page,
  context,
}) => {
  const { near, at } = await island(world)
  await world.signIn(context, driver)
  await page.goto(`/?view=map&${at}`)
  await expect(pin(page, near.name)).toHaveAccessibleName(
    `${near.name}, 10 of 10 free, 60 Indian rupees an hour`,
  )
  await world.park(await world.driver(), near)
  await expect(pin(page, near.name)).toHaveAccessibleName(/9 of 10 free/, { timeout: 1_000 })

  await pin(page, near.name).click()
  const card = page.getByRole('dialog', { name: near.name })
  await expect(card.locator('[data-free]')).toHaveText('9 free')
  await card.getByRole('button', { name: `Park now at ${near.name}` }).click()
  await page.getByRole('button', { name: 'Start parking' }).click()
  await expect(page.getByRole('article', { name: `Spot A02 at ${near.name}` })).toBeVisible()
})

test('the keyboard moves the map, and meets the nearest lot first', async ({ world, page }) => {
  const { near, far, at } = await island(world)
  await page.goto(`/?view=map&${at}`)
  await expect(pin(page, far.name)).toBeVisible()
  await theMap(page).focus()
  await page.keyboard.press('Tab')
  await expect(pin(page, near.name)).toBeFocused()
  await page.keyboard.press('Tab')
  await expect(pin(page, far.name)).toBeFocused()
  await page.keyboard.press('Enter')
  const card = page.getByRole('dialog', { name: far.name })
  await expect(card).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(card).toBeHidden()
  await expect(pin(page, far.name)).toBeFocused()

  await theMap(page).focus()
  const middles: (string | null)[] = []
  page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url())
    if (pathname === '/api/lots') middles.push(searchParams.get('near'))
  })
  await page.keyboard.press('ArrowRight')
  await expect(page).not.toHaveURL(new RegExp(at.split('&')[0] ?? ''))
  await expect.poll(() => middles).toContain(new URL(page.url()).searchParams.get('near'))
  await page.keyboard.press('-')
  await expect(page).toHaveURL(/zoom=14/)
  const address = page.url()
  await page.reload()
  await expect(pin(page, near.name)).toBeVisible()
  await expect(page).toHaveURL(address)
})

test('a search moves the map to what it finds, and tells of lots without a place', async ({
  world,
  page,
}) => {
  const { near, far, name } = await island(world)
  await world.lot({ name: `${name} nowhere` })
  await page.goto('/?view=map')
  await page.getByLabel('Search lots').fill(name)
  await expect(pin(page, near.name)).toBeVisible()
  await expect(pin(page, far.name)).toBeVisible()
  await expect(page.getByText('1 lot has no place on the map.')).toBeVisible()
  const list = page.getByRole('region', { name: 'In this part of the map' })
  await expect(list.getByRole('heading', { level: 2 })).toHaveText([
    'In this part of the map',
    new RegExp(name),
    new RegExp(name),
  ])
  await page.getByRole('button', { name: 'Show list' }).click()
  await expect(page.getByRole('link', { name: `${name} nowhere` })).toBeVisible()
  await page.goBack()
  await expect(pin(page, near.name)).toBeVisible()
})

test('lots that lie together share a mark until the map is nearer', async ({ world, page }) => {
  const { near, far, at } = await island(world)
  await page.goto(`/?view=map&${at.replace('zoom=15', 'zoom=9')}`)
  const both = page.getByRole('button', { name: '2 lots, 20 of 20 free' })
  await both.click()
  await expect(both).toBeHidden()
  await expect(pin(page, near.name)).toBeVisible()
  await expect(pin(page, far.name)).toBeVisible()
})

test('my own place is shown, with the nearest lots', async ({ world, page, context }) => {
  const { near } = await island(world)
  const latitude = (near.latitude ?? 0) - 0.2
  await context.grantPermissions(['geolocation'])
  await context.setGeolocation({ latitude, longitude: near.longitude ?? 0 })
  await page.goto('/?view=map')
  await page.getByRole('button', { name: 'Near me' }).click()
  await expect(page.getByRole('img', { name: 'You are here' })).toBeInViewport()
  const card = page.locator(`[data-lot="${near.id}"]`)
  await expect(card).toContainText('22 km')
})

test('a map loads nothing from elsewhere, and nothing before it is opened', async ({
  world,
  page,
}) => {
  const { near, at } = await island(world)
  const asked: URL[] = []
  page.on('request', (request) => asked.push(new URL(request.url())))
  await page.goto('/')
  await expect(page.getByRole('main').getByRole('listitem').first()).toBeVisible()
  const ofMaps = /Map|land-|leaflet/i
  expect(asked.filter(({ pathname }) => ofMaps.test(pathname))).toEqual([])
  await page.goto(`/?view=map&${at}`)
  await expect(pin(page, near.name)).toBeVisible()
  await page.getByRole('button', { name: 'Zoom out' }).click({ clickCount: 6, delay: 400 })
  await expect.poll(() => asked.some(({ pathname }) => /land-50m/.test(pathname))).toBe(true)
  const { host } = new URL(page.url())
  expect(asked.filter((url) => url.host !== host && url.protocol !== 'data:')).toEqual([])
})

test('the tiles that an installation has set are shown and credited', async ({ world, page }) => {
  const { near, at } = await island(world)
  await page.route('**/api/setup', async (route) => {
    const response = await route.fetch()
    const map = {
      tile_url: '/streets/{z}/{x}/{y}.svg',
      attribution: '© <a href="https://streets.example/">Streets</a>',
    }
    await route.fulfill({ response, json: { ...(await response.json()), map } })
  })
  const tiles: string[] = []
  await page.route('**/streets/**', (route) => {
    tiles.push(new URL(route.request().url()).pathname)
    return route.fulfill({
      contentType: 'image/svg+xml',
      body: '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"/>',
    })
  })
  await page.goto(`/?view=map&${at}`)
  await expect(pin(page, near.name)).toBeVisible()
  await expect(page.getByRole('link', { name: 'Streets' })).toHaveAttribute(
    'href',
    'https://streets.example/',
  )
  await expect.poll(() => tiles.length).toBeGreaterThan(3)
  expect(tiles[0]).toMatch(/^\/streets\/15\/\d+\/\d+\.svg$/)
})

test('the page of a lot shows where it is, and the way there', async ({ world, page }) => {
  const { near } = await island(world)
  await page.goto(`/lots/${near.id}`)
  await expect(page.getByRole('img', { name: `Map with ${near.name}` })).toBeVisible()
  await expect(page.getByRole('link', { name: 'Directions' })).toHaveAttribute(
    'href',
    new RegExp(`openstreetmap.org/directions\\?to=${near.latitude}`),
  )
  await page.getByRole('link', { name: 'On map' }).click()
  await expect(pin(page, near.name)).toBeVisible()
})

test('the operator picks a place on a map, by mouse and by keyboard', async ({
  world,
  page,
  context,
}) => {
  const { near } = await island(world)
  await world.signIn(context, world.admin)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(`/admin/lots/${near.id}`)
  await page.getByRole('button', { name: 'Edit lot' }).click()
  await page.getByRole('button', { name: 'Choose on the map' }).click()
  const latitude = page.getByLabel('Latitude')
  const map = page.getByRole('application', { name: 'Choose on the map' })
  await map.click({ position: { x: 200, y: 100 } })
  await expect(latitude).not.toHaveValue(String(near.latitude))
  const clicked = await latitude.inputValue()

  await map.focus()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await expect(latitude).not.toHaveValue(clicked)
  const picked = Number(await latitude.inputValue())
  expect(picked).toBeGreaterThan(Number(clicked))
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText(`${near.name} is saved.`)).toBeVisible()
  const saved = await world.call<Lot>(world.admin, 'GET', `/api/lots/${near.id}`)
  expect(saved.latitude).toBe(picked)
})
