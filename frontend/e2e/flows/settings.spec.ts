import { expect, test } from '../test'

test.use({ viewport: { width: 1_440, height: 900 } })

test('the settings say what they are, where they come from, and keep secrets', async ({
  world,
  page,
  context,
}) => {
  await world.signIn(context, world.admin)
  await page.goto('/admin/lots')
  await page.getByRole('link', { name: 'Settings' }).click()
  const row = (name: string) =>
    page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) })
  await expect(row('TIME_ZONE')).toContainText(/Asia\/Kolkata\s*Default/)
  await expect(row('METRICS_TOKEN')).toContainText('Not set')

  await page.getByLabel('Only what is set').check()
  await expect(row('TIME_ZONE')).toBeHidden()
  await expect(row('LISTEN')).toContainText(/127\.0\.0\.1:0\s*Environment/)
  await page.getByLabel('Search settings').fill('rate')
  await expect(page.getByRole('row')).toHaveCount(2)
  await expect(row('RATE_LIMIT')).toContainText('off')
  await expect(page).toHaveURL('/admin/settings?set=yes&q=rate')
  await page.reload()
  await expect(page.getByRole('row')).toHaveCount(2)
  await page.getByLabel('Search settings').fill('no such thing')
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(row('TIME_ZONE')).toBeVisible()
})
