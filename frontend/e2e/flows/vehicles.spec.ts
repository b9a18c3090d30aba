import type { Vehicle } from '../../src/api/types'
import { expect, test } from '../test'
import { unique, type Account, type World } from '../world'

/** Four letters and digits that nobody else has. */
const tail = () => unique().slice(-8)

test('vehicles are added, changed, preferred and removed', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/account')
  const section = page.getByRole('region', { name: 'Vehicles' })
  await expect(section.getByText('No vehicles yet')).toBeVisible()

  const form = page.getByRole('dialog')
  const add = async (plate: string, name = '') => {
    await section.getByRole('button', { name: 'Add vehicle' }).click()
    await form.getByLabel('Number plate').fill(plate)
    await form.getByLabel('Name').fill(name)
    await form.getByRole('button', { name: 'Add vehicle' }).click()
  }
  await add('mh 12 ab 1234', 'The blue one')
  const rows = section.getByRole('listitem')
  await expect(rows).toHaveText([/MH 12 AB 1234\s*The blue one\s*Default/])

  await add('MH-12-AB-1234')
  await expect(form.getByText('This vehicle is already in your account.')).toBeVisible()
  await expect(form.getByLabel('Number plate')).toBeFocused()
  await form.getByLabel('Number plate').fill('KA 05 XY 77')
  await form.getByRole('button', { name: 'Add vehicle' }).click()
  await expect(rows).toHaveCount(2)

  await section.getByRole('button', { name: 'Edit KA05XY77' }).click()
  await form.getByLabel('Number plate').fill('KA 05 XY 7777')
  await form.getByRole('button', { name: 'Save' }).click()
  await section.getByRole('button', { name: 'Make KA 05 XY 7777 the default' }).click()
  await expect(rows).toHaveText([/KA 05 XY 7777\s*Default/, /MH 12 AB 1234\s*The blue one/])

  await section.getByRole('button', { name: 'Remove KA 05 XY 7777' }).click()
  const confirm = page.getByRole('alertdialog', { name: 'Remove KA 05 XY 7777?' })
  await confirm.getByRole('button', { name: 'Remove vehicle' }).click()
  await expect(rows).toHaveText([/MH 12 AB 1234\s*The blue one\s*Default/])
})

/** A lot that this driver has used more often than any other. */
async function usualLot(world: World, driver: Account, body: { number_of_spots: number }) {
  const usual = await world.lot(body)
  const closed = await world.lot()
  const once = await world.lot()
  for (const lot of [closed, closed, closed, usual, usual, once]) {
    await world.release(driver, await world.park(driver, lot))
  }
  await world.call(world.admin, 'DELETE', `/api/lots/${closed.id}`)
  return usual
}

test('the usual lot is parked in with one tap, by the default vehicle, at a total that was seen', async ({
  world,
  driver,
  page,
  context,
}) => {
  const usual = await usualLot(world, driver, { number_of_spots: 4 })
  const plate = `KA01${tail()}`
  await world.call(driver, 'POST', '/api/me/vehicles', { plate })
  await world.signIn(context, driver)
  await page.goto('/')
  const card = page.getByRole('region', { name: 'Your usual lot' })
  await expect(card.locator('[data-free]')).toHaveText('4 free')
  await world.park(await world.driver(), usual)
  await expect(card.locator('[data-free]')).toHaveText('3 free')
  await expect(card).toContainText(plate)
  await expect(card.locator('[data-total]')).toHaveText('₹60.00')
  await card.getByLabel('How long will you stay?').selectOption('2 h')
  await expect(card.locator('[data-total]')).toHaveText('₹120.00')
  await page.reload()
  await expect(card.locator('[data-total]'), 'the stay is remembered').toHaveText('₹120.00')

  await card.getByRole('button', { name: `Park now at your usual lot, ${usual.name}` }).click()
  await expect(page.getByRole('article')).toContainText(plate)
  await expect(page.getByText('The clock is running.')).toBeVisible()

  await page.getByRole('link', { name: 'Find' }).first().click()
  await expect(page.locator(`[data-lot]`).first()).toBeVisible()
  await expect(card).toBeHidden()
})

test('without a vehicle, or with another one, the usual lot leads to the form', async ({
  world,
  driver,
  page,
  context,
}) => {
  const usual = await usualLot(world, driver, { number_of_spots: 4 })
  await world.signIn(context, driver)
  await page.goto('/')
  const card = page.getByRole('region', { name: 'Your usual lot' })
  await card.getByRole('button', { name: `Park now at your usual lot, ${usual.name}` }).click()
  const form = page.getByRole('dialog', { name: `Park at ${usual.name}` })
  await expect(form.getByLabel('Number plate')).toBeVisible()

  const plate = `KA01${tail()}`
  await world.call(driver, 'POST', '/api/me/vehicles', { plate })
  await page.goto('/')
  await card.getByRole('button', { name: 'Another vehicle' }).click()
  await expect(form.getByRole('radio', { name: plate })).toBeChecked()
})

test('a usual lot that filled up unseen offers the next one', async ({
  world,
  driver,
  page,
  context,
}) => {
  const usual = await usualLot(world, driver, { number_of_spots: 1 })
  await world.call(driver, 'POST', '/api/me/vehicles', { plate: `KA01${tail()}` })
  await world.signIn(context, driver)
  await context.route('**/api/events', (route) => route.abort())
  await page.goto('/')
  const card = page.getByRole('region', { name: 'Your usual lot' })
  await expect(card.locator('[data-free]')).toHaveText('1 free')
  await world.park(await world.driver(), usual)
  await card.getByRole('button', { name: /^Park now/ }).click()
  await expect(card.getByText(`${usual.name} filled up just now.`)).toBeVisible()
  await card.getByRole('button', { name: 'Try here again' }).click()
  await expect(card.getByRole('button', { name: /^Park now/ })).toBeVisible()
})

test('a plate that is typed is remembered only if one wants', async ({
  world,
  driver,
  page,
  context,
}) => {
  const lot = await world.lot()
  await world.signIn(context, driver)
  const open = () => page.goto(`/lots/${lot.id}?park=${lot.id}`)
  const start = page.getByRole('button', { name: 'Start parking' })
  const vehicles = async () =>
    (await world.call<{ items: Vehicle[] }>(driver, 'GET', '/api/me/vehicles')).items
  const [kept, once] = [`KA01${tail()}`, `KA02${tail()}`]

  await open()
  await page.getByLabel('Number plate').fill(kept)
  await start.click()
  await expect(page.getByRole('article')).toContainText(kept)
  await expect.poll(async () => (await vehicles()).map(({ plate }) => plate)).toEqual([kept])

  // It is parked already, so another one is asked for.
  await open()
  await expect(page.getByRole('radio', { name: `${kept} Already parked` })).toBeDisabled()
  await page.getByLabel('Number plate').fill(once)
  await page.getByLabel('Remember this vehicle').uncheck()
  await start.click()
  await expect(page.getByRole('article')).toHaveCount(2)
  expect(await vehicles()).toHaveLength(1)
})
