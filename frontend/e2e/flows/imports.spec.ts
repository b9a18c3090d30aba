import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { expect, test } from '../test'
import { unique } from '../world'

test.use({ viewport: { width: 1_440, height: 900 } })

test.beforeEach(async ({ world, context }) => {
  await world.signIn(context, world.admin)
})

const HEADER = 'lot,name,number_of_spots,price_per_hour_minor,daily_cap_minor'
const choose = (page: Page, csv: string) =>
  page
    .getByLabel('CSV file')
    .setInputFiles({ name: 'lots.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
const row = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name })

test('lots are imported after a preview of what would change', async ({ world, page }) => {
  const mark = unique()
  const first = [`${mark}a,Alpha ${mark},5,6000,`, `${mark}b,Beta ${mark},8,4000,`]
  await world.server.importCsv('lots', [HEADER, ...first].join('\n'))

  await page.goto('/admin/lots')
  await page.getByRole('link', { name: 'Import' }).click()
  await choose(
    page,
    [
      HEADER,
      `${mark}a,Alpha ${mark},7,7550,50000`,
      first[1],
      `${mark}c,Gamma ${mark},3,,`,
      `${mark}d,Delta ${mark},none,100,`,
    ].join('\n'),
  )
  await expect(page.getByRole('heading', { name: '2 lines are wrong' })).toBeVisible()
  await expect(page.getByRole('listitem').filter({ hasText: 'Line 4' })).toContainText(
    'price_per_hour_minor must not be empty',
  )
  await expect(page.getByRole('button', { name: /^Import \d/ })).toBeHidden()

  await page.getByRole('button', { name: 'Choose another file' }).click()
  await choose(
    page,
    [HEADER, `${mark}a,Alpha ${mark},7,7550,50000`, first[1], `${mark}c,Gamma ${mark},3,,`].join(
      '\n',
    ),
  )
  await expect(page.getByRole('heading', { name: '1 line is wrong' })).toBeVisible()
  await page.getByLabel('Price per hour of new lots without one').fill('25')
  await page.keyboard.press('Enter')
  const alpha = row(page, `Alpha ${mark}`)
  await expect(alpha).toContainText('Price per hour from ₹60 to ₹75.50')
  await expect(alpha).toContainText('Cap in 24 hours from – to ₹500')
  await expect(alpha).toContainText('Spots from 5 to 7')
  await expect(row(page, `Gamma ${mark}`)).toContainText('New')

  await page.getByRole('button', { name: /Unchanged/ }).click()
  await expect(page.getByRole('row')).toHaveCount(2)
  await expect(row(page, `Beta ${mark}`)).toContainText('Unchanged')

  await page.getByRole('button', { name: 'Import 2 lots' }).click()
  await expect(page.getByText('1 lot created, 1 changed, 1 unchanged')).toBeVisible()
  await page.getByRole('link', { name: 'Show lots' }).click()
  await page.getByLabel('Search lots').fill(mark)
  await expect(row(page, `Gamma ${mark}`)).toContainText('₹25')
  await expect(row(page, `Alpha ${mark}`)).toContainText('₹75.50')
})

test('a file that is none of lots is refused in words, and the template is one', async ({
  page,
}) => {
  await page.goto('/admin/lots/import')
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download a template' }).click()
  const template = await readFile(await (await saved).path(), 'utf8')

  await choose(page, 'a,b\n1,2')
  await expect(page.getByText('This is not a file of lots')).toBeVisible()
  await expect(page.getByRole('alert')).toContainText('lot')
  await page.getByRole('button', { name: 'Choose another file' }).first().click()
  await choose(page, template)
  await expect(row(page, 'Central Station')).toContainText('New')
  await expect(page.getByRole('button', { name: 'Import 1 lot' })).toBeEnabled()
})

test('ten thousand lines are paged', async ({ page }) => {
  const mark = unique()
  const lines = Array.from({ length: 10_000 }, (_, n) => `${mark}-${n},Lot ${n},1,100,`)
  await page.goto('/admin/lots/import')
  await choose(page, [HEADER, ...lines].join('\n'))
  await expect(page.getByText('Lines 1 to 50 of 10,000')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Import 10,000 lots' })).toBeVisible()
  await page.getByRole('button', { name: 'Next page' }).click()
  await expect(page.getByText('Lines 51 to 100 of 10,000')).toBeVisible()
  await expect(page.getByRole('row')).toHaveCount(51)
})
