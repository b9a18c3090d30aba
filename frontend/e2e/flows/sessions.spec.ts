import type { Browser, Page } from '@playwright/test'
import { expect, test } from '../test'
import type { Account, World } from '../world'

const PHONE =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36'
const DESK = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0'

/** The account page in a browser of its own. */
async function visit(
  { browser, baseURL }: { browser: Browser; baseURL?: string },
  world: World,
  who: Account,
  userAgent: string,
): Promise<Page> {
  const context = await browser.newContext({ baseURL, userAgent })
  await world.signIn(context, who)
  const page = await context.newPage()
  await page.goto('/account')
  await expect(page.getByRole('heading', { name: 'Account', level: 1 })).toBeVisible()
  return page
}
const rowsOf = (page: Page) =>
  page.getByRole('list', { name: 'Where you are signed in' }).getByRole('listitem')

test('one sees where one is signed in, and signs out one device or all others', async ({
  world,
  driver,
  browser,
  baseURL,
}) => {
  const phone = await visit({ browser, baseURL }, world, driver, PHONE)
  const desk = await visit({ browser, baseURL }, world, driver, DESK)
  const third = await visit({ browser, baseURL }, world, driver, 'curl/8.9.1')
  // The registration is a session, too.
  await desk.reload()
  const rows = rowsOf(desk)
  await expect(rows).toHaveCount(4)
  await expect(rows.first()).toContainText('Firefox on Linux')
  await expect(rows.first()).toContainText('This device')
  await expect(rows.first()).toContainText(/Last used (?:now|\d+ sec ago)/)

  await desk.getByRole('button', { name: /^Sign out: Chrome on Android/ }).click()
  await expect(desk.getByText('Chrome on Android is signed out.')).toBeVisible()
  await expect(rows).toHaveCount(3)
  await phone.getByRole('link', { name: 'History' }).first().click()
  await expect(phone.getByRole('heading', { name: 'Sign in' })).toBeVisible()

  await desk.getByRole('button', { name: 'Sign out everywhere else' }).click()
  const confirm = desk.getByRole('alertdialog', { name: 'Sign out everywhere else?' })
  await expect(confirm).toContainText('2 other devices are signed out at once.')
  await confirm.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await expect(rows).toHaveCount(1)
  await expect(desk.getByRole('button', { name: 'Sign out everywhere else' })).toBeHidden()
  await third.reload()
  await expect(third.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  for (const page of [phone, desk, third]) await page.context().close()
})

test('signing out everywhere ends this session as well', async ({
  world,
  driver,
  browser,
  baseURL,
}) => {
  const desk = await visit({ browser, baseURL }, world, driver, DESK)
  const phone = await visit({ browser, baseURL }, world, driver, PHONE)
  await phone.getByRole('button', { name: 'Sign out everywhere', exact: true }).click()
  await phone
    .getByRole('alertdialog', { name: 'Sign out everywhere?' })
    .getByRole('button', { name: 'Sign out everywhere' })
    .click()
  await expect(phone.getByRole('heading', { name: 'Where are you parking?' })).toBeVisible()
  await expect(phone.getByRole('link', { name: 'Sign in' })).toBeVisible()
  await desk.reload()
  await expect(desk.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  for (const page of [phone, desk]) await page.context().close()
})
