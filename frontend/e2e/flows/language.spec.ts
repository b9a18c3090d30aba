import type { Page } from '@playwright/test'
import { expect, test } from '../test'
import { PASSWORD, signInByHand, unique } from '../world'

const ENGLISH = 'Where are you parking?'
const HINDI = 'कहाँ पार्क करना है?'

async function reads(page: Page, language: 'en' | 'hi'): Promise<void> {
  await expect(page.locator('html')).toHaveAttribute('lang', language)
}
async function finds(page: Page, title: string): Promise<void> {
  await expect(page.getByRole('heading', { name: title })).toBeVisible()
}

test("a guest's language survives a reload and becomes that of the account", async ({
  page,
  browser,
}) => {
  await page.goto('/')
  await finds(page, ENGLISH)
  const toHindi = page.getByRole('button', { name: 'हिन्दी में देखें' })
  await expect(toHindi).toHaveAttribute('lang', 'hi')
  await toHindi.click()
  await finds(page, HINDI)
  await expect(page).toHaveTitle('खोजें · पार्किंग')
  // The focus stays: pressing it once more takes the choice back.
  await expect(page.getByRole('button', { name: 'Switch to English' })).toBeFocused()
  await page.reload()
  await finds(page, HINDI)
  await reads(page, 'hi')

  await page.goto('/register')
  const email = `${unique().toLowerCase()}@example.com`
  await page.getByLabel('नाम').fill('Meera Joshi')
  await page.getByLabel('ईमेल').fill(email)
  await page.getByLabel('पासवर्ड', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'खाता बनाएँ' }).click()
  await expect(page.getByRole('link', { name: 'Meera Joshi का खाता' })).toBeVisible()

  const elsewhere = await browser.newContext()
  const other = await elsewhere.newPage()
  await other.goto(new URL('/sign-in', page.url()).href)
  await signInByHand(other, { id: '', name: '', token: '', email, password: PASSWORD })
  await finds(other, HINDI)
  await elsewhere.close()
})

test('a driver changes the language on one device and reads it on another', async ({
  world,
  driver,
  page,
  context,
  browser,
}) => {
  await world.signIn(context, driver)
  await page.goto('/account')
  const english = page.getByRole('radio', { name: 'English' })
  await expect(english).toBeChecked()
  const kept = page.waitForResponse((answer) => answer.request().method() === 'PATCH')
  await page.getByRole('radio', { name: 'हिन्दी' }).check({ force: true })
  await expect(page.getByRole('heading', { name: 'खाता', exact: true })).toBeVisible()
  // Nothing of it is left to be saved.
  await expect(
    page.getByRole('region', { name: 'मेल और रिमाइंडर' }).getByRole('button', { name: 'सेव करें' }),
  ).toBeDisabled()
  await kept

  const elsewhere = await browser.newContext()
  await world.signIn(elsewhere, driver)
  const other = await elsewhere.newPage()
  await other.goto(page.url().replace('/account', '/'))
  await finds(other, HINDI)
  await other.getByRole('button', { name: 'Switch to English' }).click()
  await finds(other, ENGLISH)
  await elsewhere.close()

  await page.reload()
  await reads(page, 'en')
  await expect(english).toBeChecked()
})

test('the words of the reader come first, where no choice is known', async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext({ locale: 'hi-IN', baseURL })
  const page = await context.newPage()
  await page.goto('/')
  await finds(page, HINDI)
  await context.close()
})

test('a language that cannot be kept in the account is taken back', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/')
  await expect(page.getByRole('link', { name: /Account of/ })).toBeVisible()
  await page.route('**/api/me', (route) => route.abort(), { times: 1 })
  await page.getByRole('button', { name: 'हिन्दी में देखें' }).click()
  await expect(page.getByRole('status').getByText('सर्वर तक नहीं पहुँच पा रहे')).toBeVisible()
  await finds(page, ENGLISH)
})

test('form errors that are shown speak the language that is chosen', async ({ page }) => {
  await page.goto('/sign-in')
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByText('Enter your email address')).toBeVisible()
  await page.getByRole('button', { name: 'हिन्दी में देखें' }).click()
  await expect(page.getByText('अपना ईमेल पता लिखें')).toBeVisible()
})

test('the words and letters of Hindi are loaded for Hindi only, and no file for the rupee sign', async ({
  world,
  page,
}) => {
  await world.lot()
  const loaded: string[] = []
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname))
  const of = (part: RegExp) => loaded.filter((path) => part.test(path)).length
  await page.goto('/')
  await expect(page.locator('[data-lot]').first()).toContainText('₹')
  await page.evaluate(() => document.fonts.ready)
  expect([of(/hi-/), of(/devanagari/), of(/latin-ext/)]).toEqual([0, 0, 0])
  await page.getByRole('button', { name: 'हिन्दी में देखें' }).click()
  await finds(page, HINDI)
  await page.evaluate(() => document.fonts.ready)
  expect([of(/hi-.*js$/), of(/devanagari.*woff2$/), of(/latin-ext/)]).toEqual([1, 1, 0])
})
