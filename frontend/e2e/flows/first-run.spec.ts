import { test as base, expect } from '@playwright/test'
import { startServer, type Server } from '../server'
import { PASSWORD } from '../world'

// A server that nobody has claimed yet.
const test = base.extend<{ fresh: Server }>({
  fresh: async ({}, use) => {
    const server = await startServer()
    await use(server)
    await server.stop()
  },
  baseURL: async ({ fresh }, use) => use(fresh.url),
})

test('from the claim link to the first stay in the books', async ({ page, fresh, browser }) => {
  await page.goto(fresh.claimLink)
  await page.getByLabel('Name').fill('Asha Kulkarni')
  await page.getByLabel('Email').fill('asha@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Become administrator' }).click()

  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeFocused()
  await page.getByRole('button', { name: 'Create your first lot' }).click()
  const form = page.getByRole('dialog', { name: 'New lot' })
  await form.getByRole('button', { name: 'Create lot' }).click()
  await expect(form.getByLabel('Name')).toBeFocused()
  await expect(form.getByText('Enter a name')).toBeVisible()
  await form.getByLabel('Name').fill('Central Station')
  await form.getByLabel('City').fill('Mumbai')
  await form.getByLabel('Spots').fill('12')
  await form.getByLabel('Price per hour').fill('60')
  await form.getByRole('button', { name: 'Create lot' }).click()
  await expect(page.getByRole('heading', { name: 'Central Station', level: 1 })).toBeVisible()
  await expect(page.getByRole('gridcell', { name: 'A12, free' })).toBeVisible()

  const context = await browser.newContext({ baseURL: fresh.url })
  const driver = await context.newPage()
  await driver.goto('/')
  await driver.getByRole('button', { name: 'Park now at Central Station' }).click()
  await driver.getByRole('link', { name: 'Create account' }).click()
  await driver.getByLabel('Name').fill('Ravi Deshpande')
  await driver.getByLabel('Email').fill('ravi@example.com')
  await driver.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await driver.getByRole('button', { name: 'Create account' }).click()

  const park = driver.getByRole('dialog', { name: 'Park at Central Station' })
  await park.getByLabel('Number plate').fill('mh 12 ab 1234')
  await park.getByText('2 h', { exact: true }).click()
  await expect(park.locator('[data-total]')).toHaveText('₹120.00')
  await park.getByRole('button', { name: 'Start parking' }).click()

  const card = driver.getByRole('article', { name: 'Spot A01 at Central Station' })
  await expect(card.getByText('MH 12 AB 1234')).toBeVisible()
  await expect(card.locator('[data-cost]')).toHaveText('₹1.00')
  const clock = card.locator('[data-clock]')
  const seen = (await clock.textContent()) ?? ''
  await expect(clock).not.toHaveText(seen)
  await expect(page.getByRole('gridcell', { name: 'A01, occupied, MH 12 AB 1234' })).toBeVisible()

  await driver.getByRole('link', { name: 'Find' }).click()
  await driver.getByRole('link', { name: /^Parked on A01/ }).click()
  await card.getByRole('button', { name: 'Leave and stop the clock' }).click()
  await driver.getByRole('button', { name: 'Stop and pay ₹1.00' }).click()
  await expect(driver.getByRole('heading', { name: 'Receipt' })).toBeFocused()
  await expect(driver.locator('[data-total]')).toHaveText('₹1.00')

  await driver.getByRole('link', { name: 'History' }).first().click()
  await expect(
    driver.getByRole('row', { name: /Central Station A01 MH 12 AB 1234/ }),
  ).toContainText('Closed')
  await expect(page.getByRole('gridcell', { name: 'A01, free' })).toBeVisible()
  await context.close()
})

test('a claim link works once, and says so', async ({ page, fresh }) => {
  await page.goto('/claim#token=wrong')
  await page.getByLabel('Name').fill('Mallory')
  await page.getByLabel('Email').fill('mallory@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Become administrator' }).click()
  await expect(page.getByText('This link is no longer valid')).toBeVisible()

  const token = fresh.claimLink.split('token=')[1]
  const data = { token, name: 'Asha', email: 'asha@example.com', password: PASSWORD }
  expect((await page.request.post('/api/setup/claim', { data })).status()).toBe(201)
  await page.goto('/')
  await page.goto(fresh.claimLink)
  await expect(page.getByText('already has an administrator')).toBeVisible()
})

test('the rate limit is said in words', async ({ page, browser }) => {
  const limited = await startServer({ RATE_LIMIT: 'on' })
  const context = await browser.newContext({ baseURL: limited.url })
  const visitor = await context.newPage()
  await visitor.goto('/sign-in')
  await visitor.getByLabel('Email').fill('nobody@example.com')
  await visitor.getByLabel('Password', { exact: true }).fill('wrong password')
  const button = visitor.getByRole('main').getByRole('button', { name: 'Sign in' })
  const alert = visitor.getByRole('alert')
  await expect(async () => {
    await button.click()
    await expect(alert).toContainText(/Too many attempts\. Try again in \d+ (second|minute)/, {
      timeout: 500,
    })
  }).toPass({ timeout: 30_000, intervals: [0] })
  await context.close()
  await limited.stop()
  await page.close()
})
