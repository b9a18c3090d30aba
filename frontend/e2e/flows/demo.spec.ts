// The city of `parking demo`, as somebody sees it who tries the product.
import { test, expect } from '@playwright/test'
import { startServer, type Server } from '../server'
import { signIn } from '../world'

let server: Server
test.beforeAll(async () => {
  server = await startServer({}, 40)
})
test.afterAll(async () => {
  await server.stop()
})

test('the driver of the demo is parked and has a past', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: server.url })
  if (server.demo) await signIn(context, server.demo.driver)
  const page = await context.newPage()
  await page.goto('/parking')
  await expect(page.getByText('Tech Park North').first()).toBeVisible()
  await page.goto('/history')
  await expect(page.getByText('Riverside Mall').first()).toBeVisible()
  // A month that is over was reported.
  await page.goto('/reports')
  await page.getByRole('main').getByRole('link', { name: /\d{4}/ }).first().click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/\d{4}/)
  await expect(page.getByRole('main')).toContainText('₹')
  await context.close()
})

test('the operator of the demo sees a city at work', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: server.url })
  if (server.demo) await signIn(context, server.demo.operator)
  const page = await context.newPage()
  await page.goto('/admin')
  await expect(page.getByRole('definition').filter({ hasText: /^[1-9]\d* \/ 630$/ })).toBeVisible()
  const attention = page.getByRole('region', { name: 'What needs attention' })
  await expect(attention.getByText(/spots? (?:is|are) out of service/)).toBeVisible()
  await page.goto('/admin/lots')
  await expect(page.getByRole('row')).toHaveCount(15)
  await context.close()
})
