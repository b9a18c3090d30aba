import type { Vehicle } from '../../src/api/types'
import { expect, test } from '../test'
import { unique } from '../world'

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

test('the usual lot is parked in with two taps, by the default vehicle', async ({
  world,
  driver,
  page,
  context,
}) => {
  const usual = await world.lot({ number_of_spots: 4 })
  const closed = await world.lot()
  const once = await world.lot()
  const plate = `KA01${tail()}`
  for (const lot of [closed, closed, closed, usual, usual, once]) {
    await world.release(driver, await world.park(driver, lot))
  }
  await world.call(world.admin, 'DELETE', `/api/lots/${closed.id}`)
  await world.call(driver, 'POST', '/api/me/vehicles', { plate })
  await world.signIn(context, driver)
  await page.goto('/')
  const card = page.getByRole('region', { name: 'Your usual lot' })
  await expect(card.locator('[data-free]')).toHaveText('4 free')
  await world.park(await world.driver(), usual)
  await expect(card.locator('[data-free]')).toHaveText('3 free')

  await card.getByRole('button', { name: `Park now at your usual lot, ${usual.name}` }).click()
  const form = page.getByRole('dialog', { name: `Park at ${usual.name}` })
  await expect(form.getByRole('radio', { name: plate })).toBeChecked()
  await expect(form.locator('[data-total]')).toHaveText('₹60.00')
  await form.getByRole('button', { name: 'Start parking' }).click()
  await expect(page.getByRole('article')).toContainText(plate)

  await page.getByRole('link', { name: 'Find' }).first().click()
  await expect(page.locator(`[data-lot]`).first()).toBeVisible()
  await expect(card).toBeHidden()
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
