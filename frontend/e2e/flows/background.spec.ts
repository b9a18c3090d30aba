import { readFile } from 'node:fs/promises'
import { expect, test } from '../test'
import { PASSWORD, signInByHand, unique, type Account, type World } from '../world'

/** It is written by a job, a moment later. */
async function mailed(world: World, who: Account, page: string): Promise<string> {
  await expect.poll(() => world.linkMailedTo(who, page)).not.toBe('')
  return world.linkMailedTo(who, page)
}

test('a forgotten password is replaced by the link in the mail, once; who just typed the address need not again', async ({
  world,
  driver,
  page,
}) => {
  await page.goto('/sign-in')
  await page.getByLabel('Email').fill(driver.email)
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await expect(page.getByRole('heading', { name: 'Forgot your password?' })).toBeVisible()
  await expect(page.getByLabel('Email')).toHaveValue(driver.email)
  await page.getByRole('button', { name: 'Send link' }).click()
  await expect(page.getByText('If there is such an account, a mail is on its way')).toBeVisible()

  const link = await mailed(world, driver, 'reset-password')
  await page.goto(link)
  await expect(page).toHaveURL('/reset-password')
  await page.getByLabel('New password').fill('short')
  await page.getByRole('button', { name: 'Save new password' }).click()
  await expect(page.getByLabel('New password')).toBeFocused()
  await page.getByLabel('New password').fill('ten green bottles')
  await page.getByRole('button', { name: 'Save new password' }).click()
  await expect(page.getByText('Your new password is saved.')).toBeVisible()
  await signInByHand(page, { ...driver, password: 'ten green bottles' })
  await expect(page.getByRole('link', { name: /Account of/ })).toBeVisible()

  await page.goto(link)
  await page.getByLabel('New password').fill('eleven green bottles')
  await page.getByRole('button', { name: 'Save new password' }).click()
  await expect(page.getByText('This link is no longer valid')).toBeVisible()
  await page.getByRole('link', { name: 'Ask for a new link' }).click()
  await expect(page).toHaveURL('/forgot-password')
})

test('the link at the foot of a receipt ends receipts, without a sign-in', async ({
  world,
  driver,
  page,
}) => {
  const preferences = { receipts: true }
  await world.call(driver, 'PATCH', '/api/me', { preferences })
  await world.release(driver, await world.park(driver, await world.lot()))
  await page.goto(await mailed(world, driver, 'unsubscribe'))
  await page.getByRole('button', { name: 'Unsubscribe' }).click()
  await expect(page.getByText('You get no more receipts by mail')).toBeVisible()
  await page.getByRole('link', { name: 'Go to your account' }).click()
  await signInByHand(page, driver)
  await expect(page).toHaveURL('/account')
  await expect(page.getByLabel('Receipts')).not.toBeChecked()
  await expect(page.getByLabel('Monthly report')).toBeChecked()

  await page.goto('/unsubscribe#token=made-up')
  await page.getByRole('button', { name: 'Unsubscribe' }).click()
  await expect(page.getByText('This link is not valid')).toBeVisible()
})

test('wishes are kept, and refused at their fields', async ({ world, driver, page, context }) => {
  await world.signIn(context, driver)
  await page.goto('/account')
  const wishes = page.getByRole('region', { name: 'Mails and reminders' })
  const save = wishes.getByRole('button', { name: 'Save' })
  await expect(save).toBeDisabled()
  await wishes.getByLabel('Time zone').fill('Asia/Dubai')
  await wishes.getByLabel('News').uncheck()
  await wishes.getByLabel('Receipts').check()
  await save.click()
  await expect(page.getByText('Your wishes are saved.')).toBeVisible()
  await page.reload()
  await expect(wishes.getByLabel('Time zone')).toHaveValue('Asia/Dubai')
  await expect(wishes.getByLabel('News')).not.toBeChecked()
  await expect(wishes.getByLabel('Receipts')).toBeChecked()

  await wishes.getByLabel('Time zone').fill('Mars/Olympus')
  await save.click()
  await expect(wishes.getByLabel('Time zone')).toHaveAttribute('aria-invalid', 'true')
  await wishes.getByLabel('Time zone').fill('')
  await wishes.getByLabel('Reminders').selectOption('chat')
  await save.click()
  await expect(wishes.getByText('need the webhook of a space')).toBeVisible()
  await wishes.getByLabel('Webhook').fill('https://example.com/v1/spaces/x')
  await save.click()
  await expect(wishes.getByText('The link of a webhook begins with')).toBeVisible()
  await expect(wishes.getByLabel('Webhook')).toBeFocused()
  await wishes.getByLabel('Webhook').fill('https://chat.googleapis.com/v1/spaces/x/messages?key=k')
  await save.click()
  await expect(save).toBeDisabled()
  await page.reload()
  await expect(wishes.getByLabel('Time zone')).toHaveValue('')
  await expect(wishes.getByLabel('Webhook')).toHaveValue(/spaces\/x/)
})

test('history is exported, and the file downloaded', async ({ world, driver, page, context }) => {
  const lot = await world.lot()
  const stay = await world.release(driver, await world.park(driver, lot, 'MH12AB7777'))
  await world.signIn(context, driver)
  await page.goto('/history?from=2020-01-01')
  await page.getByRole('button', { name: 'Export CSV' }).click()
  await expect(page).toHaveURL(/\/exports\/[\w-]+\?from=2020-01-01/)
  await expect(page.getByText('Your file is ready')).toBeVisible()
  const coming = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download' }).click()
  const file = await coming
  expect(file.suggestedFilename()).toMatch(/^bookings-\d{4}-\d\d-\d\d\.csv$/)
  const lines = (await readFile(await file.path(), 'utf8')).split('\r\n')
  expect(lines[0]).toMatch(/^\uFEFFreference,lot,spot,vehicle_plate,status,/)
  expect(lines[1]).toContain(`${stay.reference},${lot.name},A01,MH12AB7777,closed,`)

  await world.signIn(context, await world.driver())
  await page.reload()
  await expect(page.getByText('This export is not here')).toBeVisible()
})

test('reports are linked from the history, and say when the first one comes', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/history')
  await page.getByRole('main').getByRole('link', { name: 'Reports' }).click()
  await expect(page.getByRole('heading', { name: 'Reports' })).toBeFocused()
  await expect(page.getByText(/comes on 1 \w{3}, if you park before then/)).toBeVisible()
})

test('a new account has the time zone of its device', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL, timezoneId: 'Europe/Berlin' })
  const phone = await context.newPage()
  await phone.goto('/register')
  await phone.getByLabel('Name').fill('Meera Iyer')
  await phone.getByLabel('Email').fill(`${unique().toLowerCase()}@example.com`)
  await phone.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await phone.getByRole('button', { name: 'Create account' }).click()
  await phone.getByRole('link', { name: 'Account of Meera Iyer' }).click()
  await expect(phone.getByLabel('Time zone')).toHaveValue('Europe/Berlin')
  await context.close()
})
