import { tabTo } from '../keyboard'
import { expect, test } from '../test'
import { unique } from '../world'

test.use({ viewport: { width: 1_440, height: 900 } })

test.beforeEach(async ({ world, context }) => {
  await world.signIn(context, world.admin)
})

test('a walk-in is booked and released by keyboard alone', async ({ world, page }) => {
  const lot = await world.lot({ number_of_spots: 130 })
  await page.goto(`/admin/lots/${lot.id}`)
  await expect(page.getByRole('gridcell', { name: 'B30, free' })).toBeAttached()

  await page.getByRole('button', { name: 'Book walk-in' }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Number plate')).toBeFocused()
  await page.keyboard.type('mh 20 ab 1941')
  await page.keyboard.press('Enter')
  const occupied = page.getByRole('gridcell', { name: 'A01, occupied, MH 20 AB 1941' })
  await expect(occupied).toBeVisible()

  await page.getByRole('button', { name: 'Delete lot' }).focus()
  await tabTo(page, page.getByRole('gridcell'))
  const focus = async (key: string, name: string) => {
    await page.keyboard.press(key)
    await expect(page.getByRole('gridcell', { name })).toBeFocused()
  }
  await expect(occupied).toBeFocused()
  await focus('ArrowRight', 'A02, free')
  await focus('ArrowDown', 'A22, free')
  await focus('End', 'A40, free')
  await focus('Home', 'A21, free')
  await focus('PageDown', 'B21, free')
  await focus('Control+End', 'B30, free')
  await focus('Control+Home', 'A01, occupied, MH 20 AB 1941')

  await page.keyboard.press('Enter')
  const sheet = page.getByRole('dialog', { name: 'Spot A01' })
  await expect(sheet.getByText('Walk-in')).toBeVisible()
  await expect(sheet.getByRole('button', { name: 'Release' })).toBeFocused()
  await page.keyboard.press('Enter')
  const confirm = page.getByRole('alertdialog', { name: 'Release spot A01?' })
  await expect(confirm).toBeVisible()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const free = page.getByRole('gridcell', { name: 'A01, free' })
  await expect(free).toBeVisible()
  await expect(free).toBeFocused()
})

test('a spot goes out of service, back, and gets another label', async ({
  world,
  page,
  driver,
}) => {
  const lot = await world.lot({ number_of_spots: 3 })
  await page.goto(`/admin/lots/${lot.id}`)
  await page.getByRole('gridcell', { name: 'A01, free' }).click()
  await page.getByRole('button', { name: 'Take out of service' }).click()
  await expect(page.getByText('A01 is out of service.')).toBeVisible()
  await page.getByLabel('Label').fill('VIP 1')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The spot is now called VIP 1.')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('gridcell', { name: 'VIP 1, out of service' })).toBeVisible()

  expect((await world.park(driver, lot)).spot.label).toBe('A02')
  await page.getByRole('gridcell', { name: 'VIP 1, out of service' }).click()
  await page.getByRole('button', { name: 'Put back in service' }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: /^Free/ }).click()
  await expect(page.getByRole('gridcell')).toHaveCount(2)
  await expect(page.getByRole('gridcell', { name: 'VIP 1, free' })).toBeVisible()
})

test('a lot is edited, and deleted only when it is empty', async ({ world, page, driver }) => {
  const lot = await world.lot({ number_of_spots: 5 })
  const booking = await world.park(driver, lot)
  await page.goto(`/admin/lots?q=${encodeURIComponent(lot.name)}`)
  await page.getByRole('button', { name: `Edit ${lot.name}` }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Price per hour').fill('75.50')
  await form.getByLabel('Cap in 24 hours').fill('500')
  await form.getByLabel('Spots').fill('8')
  await form.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('row').filter({ hasText: lot.name })
  await expect(row).toContainText('₹75.50')
  await expect(row.locator('[data-free]')).toHaveText('7')

  await page.getByRole('button', { name: `Delete ${lot.name}` }).click()
  const confirm = page.getByRole('alertdialog', { name: `Delete ${lot.name}?` })
  await confirm.getByRole('button', { name: 'Delete lot' }).click()
  await expect(confirm.getByRole('alert')).toContainText('There are still cars in this lot.')
  await world.release(driver, booking)
  await confirm.getByRole('button', { name: 'Delete lot' }).click()
  await expect(page.getByText(`${lot.name} is deleted.`)).toBeVisible()
  await expect(row).toBeHidden()
})

test('a disabled user is signed out, and back in when enabled', async ({
  world,
  page,
  browser,
  baseURL,
}) => {
  const name = `Vikram ${unique()}`
  const user = await world.driver(name)
  const theirs = await browser.newContext({ baseURL })
  await world.signIn(theirs, user)
  const phone = await theirs.newPage()
  await phone.goto('/history')
  await expect(phone.getByText('No parking yet')).toBeVisible()

  await page.goto('/admin/users')
  await page.getByLabel('Search users').fill(user.email)
  await page.getByRole('button', { name: `Disable ${name}` }).click()
  await page
    .getByRole('alertdialog', { name: `Disable ${name}?` })
    .getByRole('button', { name: 'Disable' })
    .click()
  await expect(page.getByText(`${name} is disabled.`)).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: name })).toContainText('Disabled')

  await phone.getByRole('banner').getByRole('link', { name: 'Reports' }).click()
  await expect(phone.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await phone.getByLabel('Email').fill(user.email)
  await phone.getByLabel('Password', { exact: true }).fill(user.password)
  await phone.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await expect(phone.getByRole('alert')).toContainText('This account has been disabled.')

  await page.getByRole('button', { name: `Enable ${name}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Enable' }).click()
  await expect(page.getByText(`${name} is enabled.`)).toBeVisible()
  await phone.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await expect(phone.getByText('No report yet')).toBeVisible()
  await theirs.close()
})

test('bookings are filtered, paged and released', async ({ world, page }) => {
  const lot = await world.lot({ number_of_spots: 30 })
  const mark = unique().slice(-8)
  for (let n = 10; n < 32; n += 1) {
    await world.call(world.admin, 'POST', '/api/admin/bookings', {
      lot_id: lot.id,
      vehicle_plate: `${mark}${n}`,
    })
  }
  await page.goto('/admin/bookings')
  await page.getByLabel('Plate').fill(mark.toLowerCase())
  const rows = page.getByRole('row')
  await expect(rows).toHaveCount(21)
  await expect(rows.nth(1)).toContainText(`${mark}31`)
  await expect(page).toHaveURL(/plate=/)
  await page.getByRole('button', { name: 'Next page' }).click()
  await expect(rows).toHaveCount(3)
  await page.goBack()
  await expect(rows).toHaveCount(21)

  await page.getByLabel('Plate').fill(`${mark}25`)
  await expect(rows).toHaveCount(2)
  await rows.nth(1).getByRole('button', { name: 'Release' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Release' }).click()
  await expect(rows.nth(1)).toContainText('Closed')
  await page.getByLabel('Status').selectOption('open')
  await expect(page.getByText('Nothing found')).toBeVisible()
  await expect(page).toHaveURL(/plate=.*status=open/)
})

test('the audit log tells who did what', async ({ world, page }) => {
  const lot = await world.lot()
  await page.goto('/admin/audit')
  await page.getByLabel('Action').selectOption('Lot created')
  await expect(page).toHaveURL('/admin/audit?action=lot.created')
  const row = page.getByRole('row').nth(1)
  await expect(row).toContainText(world.admin.name)
  await expect(row).toContainText('Lot created')
  await expect(page.getByRole('row').filter({ hasText: lot.name })).toHaveCount(1)
})

test('a schedule is run by hand, and its task is seen to end', async ({ page }) => {
  await page.goto('/admin/tasks')
  await page.getByRole('button', { name: 'Run now: Clean up' }).click()
  await expect(page.getByText('Clean up is on its way.')).toBeVisible()
  const task = page.getByRole('list', { name: 'Tasks' }).getByRole('listitem').first()
  await expect(task).toContainText('Clean up')
  await expect(task).toContainText('Done')
  await expect(task).toContainText('Asha Kulkarni')
  await page.getByLabel('Status').selectOption('Failed')
  await expect(page).toHaveURL('/admin/tasks?status=failed')
  await expect(page.getByText('No task has this status.')).toBeVisible()
})

test('the search box jumps to a lot', async ({ world, page }) => {
  const lot = await world.lot({ name: `Harbour ${unique()}` })
  await page.goto('/admin/users')
  await expect(page.getByRole('heading', { name: 'Users' })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').getByRole('textbox').fill(lot.name)
  await expect(page.getByRole('option')).toHaveText([lot.name])
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: lot.name, level: 1 })).toBeVisible()
})

test('a grid of 1,500 spots is there at once and follows changes', async ({
  world,
  page,
  driver,
}) => {
  const lot = await world.lot({ number_of_spots: 1_500 })
  await page.goto(`/admin/lots/${lot.id}`)
  await expect(page.getByRole('gridcell')).toHaveCount(1_500)
  await world.park(driver, lot, 'MH01AA0001')
  await expect(page.getByRole('gridcell', { name: /^A01, occupied/ })).toBeVisible({
    timeout: 1_500,
  })
})
