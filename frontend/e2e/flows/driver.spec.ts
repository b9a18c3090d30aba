import { expect, test } from '../test'
import { startServer } from '../server'
import { unique, World } from '../world'

test('what one browser does, the others see within a second', async ({
  world,
  driver,
  page,
  browser,
  baseURL,
}) => {
  const lot = await world.lot({ number_of_spots: 2 })
  await page.goto(`/?q=${encodeURIComponent(lot.name)}`)
  const card = page.locator(`[data-lot="${lot.id}"]`)
  await expect(card.locator('[data-free]')).toHaveText('2 free')

  const watcher = await browser.newContext({ baseURL })
  await world.signIn(watcher, await world.driver('Meera Iyer'))
  const grid = await watcher.newPage()
  await grid.goto(`/lots/${lot.id}`)
  await expect(grid.getByRole('gridcell', { name: 'A01, free' })).toBeVisible()

  const booking = await world.park(driver, lot)
  await expect(card.locator('[data-free]')).toHaveText('1 free', { timeout: 1_000 })
  await expect(grid.getByRole('gridcell', { name: 'A01, occupied' })).toBeVisible({
    timeout: 1_500,
  })

  await world.park(await world.driver(), lot)
  await expect(card.locator('[data-free]')).toHaveText('Full', { timeout: 1_000 })
  await expect(card.getByRole('button', { name: `Park now at ${lot.name}` })).toBeDisabled()
  await expect(card).toContainText('Every spot is taken right now.')

  await world.release(driver, booking)
  await expect(card.locator('[data-free]')).toHaveText('1 free', { timeout: 1_000 })
  await watcher.close()
})

test('two drivers in two browsers park and see each other', async ({
  world,
  page,
  context,
  browser,
  baseURL,
}) => {
  const lot = await world.lot({ number_of_spots: 3 })
  await world.signIn(context, await world.driver())
  const second = await browser.newContext({ baseURL })
  await world.signIn(second, await world.driver('Farhan Shaikh'))
  const other = await second.newPage()
  await page.goto(`/lots/${lot.id}`)
  await other.goto(`/lots/${lot.id}`)
  await expect(page.locator('[data-free]')).toHaveText('3 free')
  await expect(other.locator('[data-free]')).toHaveText('3 free')

  await page.getByRole('button', { name: 'Park now' }).click()
  await page.getByRole('button', { name: 'Start parking' }).click()
  await expect(page.getByRole('article', { name: `Spot A01 at ${lot.name}` })).toBeVisible()
  await expect(other.locator('[data-free]')).toHaveText('2 free', { timeout: 1_000 })

  await other.getByRole('button', { name: 'Park now' }).click()
  await other.getByRole('button', { name: 'Start parking' }).click()
  await expect(other.getByRole('article', { name: `Spot A02 at ${lot.name}` })).toBeVisible()
  await second.close()
})

test('a lot that fills up while you choose offers the next one', async ({
  world,
  driver,
  page,
  context,
}) => {
  // Far from the lots of other tests, so the nearest other lot is ours.
  const latitude = -40 - Math.random() * 40
  const longitude = -120 - Math.random() * 40
  const full = await world.lot({ number_of_spots: 1, latitude, longitude })
  const next = await world.lot({ number_of_spots: 4, latitude: latitude + 0.01, longitude })
  await world.signIn(context, driver)
  await page.goto(`/lots/${full.id}`)
  await page.getByRole('button', { name: 'Park now' }).click()
  const start = page.getByRole('button', { name: 'Start parking' })
  await expect(start).toBeVisible()

  await world.park(await world.driver(), full)
  await start.click()
  await expect(page.getByText(`${full.name} filled up just now.`)).toBeVisible()
  await expect(page.getByText(next.name)).toBeVisible()
  await page.getByRole('button', { name: 'Park there' }).click()
  await expect(page.getByRole('dialog', { name: `Park at ${next.name}` })).toBeVisible()
  await page.getByRole('button', { name: 'Start parking' }).click()
  await expect(page.getByRole('article', { name: `Spot A01 at ${next.name}` })).toBeVisible()
})

test('a vehicle is parked once, wherever it is', async ({ world, driver, page, context }) => {
  const lot = await world.lot()
  const plate = `KA01${unique().slice(-8)}`
  await world.park(await world.driver(), lot, plate)
  await world.signIn(context, driver)
  await page.goto(`/lots/${lot.id}?park=${lot.id}`)
  const field = page.getByLabel('Number plate')
  await field.fill(plate.toLowerCase())
  await page.getByRole('button', { name: 'Start parking' }).click()
  await expect(page.getByText('This vehicle is already parked.')).toBeVisible()
  await expect(field).toBeFocused()

  const other = `KA02${unique().slice(-8)}`
  await field.fill(other)
  await page.getByRole('button', { name: 'Start parking' }).click()
  await expect(page.getByRole('article')).toContainText(other)
})

test('the back button closes the park dialog', async ({ world, driver, page, context }) => {
  const lot = await world.lot()
  await world.signIn(context, driver)
  await page.goto(`/lots/${lot.id}`)
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Park now' }).click()
  await expect(dialog).toBeVisible()
  await page.goBack()
  await expect(dialog).toBeHidden()
  await page.getByRole('button', { name: 'Park now' }).click()
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(page).toHaveURL(`/lots/${lot.id}`)
})

test('the cost ticks on when the connection is gone', async ({ world, driver, page, context }) => {
  const lot = await world.lot({ price_per_hour_minor: 6_000 })
  await world.park(driver, lot)
  await world.signIn(context, driver)
  await page.clock.install()
  await page.goto('/parking')
  const cost = page.getByRole('article').locator('[data-cost]')
  await expect(cost).toHaveText('₹1.00')
  await context.setOffline(true)
  await page.clock.fastForward('10:00')
  await expect(cost).toHaveText('₹11.00')
})

test('history is filtered, kept in the address, and leads to receipts', async ({
  world,
  driver,
  page,
  context,
}) => {
  const lot = await world.lot()
  for (let n = 0; n < 22; n += 1) await world.release(driver, await world.park(driver, lot))
  await world.park(driver, lot, 'MH12AB7777')
  await world.signIn(context, driver)
  await page.goto('/history')
  const rows = page.getByRole('table').getByRole('row')
  await expect(rows).toHaveCount(21)
  await page.getByRole('button', { name: 'Load more' }).click()
  await expect(rows).toHaveCount(24)

  await page.getByLabel('Status').selectOption('open')
  await expect(rows).toHaveCount(2)
  await expect(page).toHaveURL('/history?status=open')
  await page.reload()
  await expect(rows).toHaveCount(2)
  await page.getByLabel('From').fill('2001-01-01')
  await page.getByLabel('To', { exact: true }).fill('2001-01-31')
  await expect(page.getByText('Nothing found')).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(rows).toHaveCount(21)

  await page.getByLabel('Status').selectOption('closed')
  await rows.nth(1).getByRole('link').click()
  await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible()
  await expect(page.getByText('1 min charged')).toBeVisible()
  await page.goBack()
  await expect(page).toHaveURL('/history?status=closed')
})

test('lots are found by name and by nearness', async ({ world, page, context }) => {
  const latitude = 60 + Math.random() * 20
  const name = `Fjord ${unique()}`
  await world.lot({ name: `${name} far`, latitude: latitude + 0.5, longitude: 10 })
  await world.lot({ name: `${name} near`, latitude, longitude: 10 })
  await context.grantPermissions(['geolocation'])
  await context.setGeolocation({ latitude: latitude - 0.01, longitude: 10 })
  await page.goto('/')
  await page.getByLabel('Search lots').fill(name)
  const names = page.getByRole('main').getByRole('heading', { level: 2 })
  await expect(names).toHaveText([`${name} far`, `${name} near`])
  await page.getByRole('button', { name: 'Near me' }).click()
  await expect(names).toHaveText([`${name} near`, `${name} far`])
  await expect(page.getByRole('listitem').first()).toContainText('1.1 km')
  await expect(page).toHaveURL(/q=Fjord.*near=/)
  await page.getByLabel('Search lots').fill(`${name} nowhere`)
  await expect(page.getByText('No lot matches')).toBeVisible()
})

test('the nearest lots come first at the next visit too, until one wants them no more', async ({
  world,
  page,
  context,
}) => {
  const latitude = -60 - Math.random() * 20
  const near = await world.lot({ latitude, longitude: 10 })
  await context.grantPermissions(['geolocation'])
  await context.setGeolocation({ latitude: latitude - 0.01, longitude: 10 })
  const first = page.getByRole('main').getByRole('heading', { level: 2 }).first()
  const nearMe = page.getByRole('button', { name: 'Near me' })
  await page.goto('/')
  await nearMe.click()
  await expect(first).toHaveText(near.name)

  await page.goto('/')
  await expect(first).toHaveText(near.name)
  await expect(nearMe).toHaveAttribute('aria-pressed', 'true')
  await nearMe.click()
  await expect(nearMe).toHaveAttribute('aria-pressed', 'false')
  await page.goto('/')
  await expect(page.getByText(/Updated/)).toBeVisible()
  await expect(nearMe).toHaveAttribute('aria-pressed', 'false')
})

test('a link that is tapped just after typing leads on, however long its page takes', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.clock.install()
  await page.goto('/')
  let arrive: (() => void) | undefined
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  await page.route('**/assets/HistoryPage-*.js', async (route) => {
    await arrived
    await route.continue()
  })
  const asked = page.waitForRequest('**/assets/HistoryPage-*.js')
  await page.getByLabel('Search lots').fill('somewhere')
  await page.getByRole('link', { name: 'History' }).first().click()
  await asked
  await page.clock.fastForward('00:05')
  arrive?.()
  await expect(page).toHaveURL('/history')
  await expect(page.getByText('No parking yet')).toBeVisible()
})

test('the page says when it is cut off, and catches up', async ({
  world,
  driver,
  page,
  context,
}) => {
  const lot = await world.lot({ number_of_spots: 5 })
  await page.goto(`/lots/${lot.id}`)
  await expect(page.getByText(/Updated/)).toBeVisible()
  await context.setOffline(true)
  await expect(page.getByText(/As of .+, offline/)).toBeVisible()
  await expect(page.getByText('You are offline.', { exact: false }).first()).toBeVisible()
  await world.park(driver, lot)
  await expect(page.locator('[data-free]')).toHaveText('5 free')
  await context.setOffline(false)
  await expect(page.locator('[data-free]')).toHaveText('4 free')
  await expect(page.getByText(/Updated/)).toBeVisible()
})

test('the tabs of a browser share one event stream, and it passes on', async ({
  page,
  context,
}) => {
  // A server of its own: other tests listen to theirs.
  const server = await startServer()
  const world = await World.claim(server)
  const listeners = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/^parking_event_listeners (\d+)/m.exec(metrics)?.[1])
  }
  const driver = await world.driver()
  const lot = await world.lot({ number_of_spots: 5 })
  const second = await context.newPage()
  const free = (of: typeof page) => of.locator('[data-free]')
  await page.goto(`${server.url}/lots/${lot.id}`)
  await expect(free(page)).toHaveText('5 free')
  await second.goto(`${server.url}/lots/${lot.id}`)
  await expect(free(second)).toHaveText('5 free')
  await expect.poll(listeners).toBe(1)

  await world.park(driver, lot)
  await expect(free(page)).toHaveText('4 free', { timeout: 1_000 })
  await expect(free(second)).toHaveText('4 free', { timeout: 1_000 })
  await page.close()
  await world.park(driver, lot)
  await expect(free(second)).toHaveText('3 free')
  await world.park(driver, lot)
  await expect(free(second)).toHaveText('2 free', { timeout: 1_000 })
  await expect.poll(listeners).toBe(1)
  await world.close()
  await server.stop()
})
