import axe from 'axe-core'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from '@playwright/test'
import { stops } from '../stops'
import { expect, test } from '../test'

// Every page, in both themes and languages, on a small phone, at a desk and on a large screen: axe finds nothing, and
// nothing scrolls sideways.

const PHONE = { width: 360, height: 740 }
const SIZES = [PHONE, { width: 1_440, height: 900 }]
const SCREEN = { width: 2_560, height: 1_440 }
type Size = typeof PHONE

type ColorScheme = 'light' | 'dark'

async function show(page: Page, size: Size, colorScheme: ColorScheme): Promise<void> {
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  await expect(page.locator('html')).toHaveClass(colorScheme === 'dark' ? /dark/ : /^(?!.*dark)/)
  await page.evaluate(() => document.fonts.ready)
}

async function fits(page: Page, width: number): Promise<void> {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  expect(overflow, `${width} px`).toBeLessThanOrEqual(0)
}

async function axeFindsNothing(page: Page, where: string): Promise<void> {
  // Transitions would be measured half-way.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
  )
  const { violations } = await page.evaluate(
    // What passes need not be described.
    () => (window as unknown as Injected).axe.run({ resultTypes: ['violations'] }),
  )
  const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.html) }))
  expect(found, where).toEqual([])
}

interface Injected {
  axe: { run(options: RunOptions): Promise<AxeResults> }
}

async function check(page: Page): Promise<void> {
  await page.evaluate(axe.source)
  for (const size of SIZES) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await show(page, size, colorScheme)
      await fits(page, size.width)
      await axeFindsNothing(page, `${size.width} px, ${colorScheme}`)
    }
  }
  // The same words run wider in Hindi. As if it had been chosen in another tab: this page stays where it is.
  await page.evaluate(() =>
    dispatchEvent(new StorageEvent('storage', { key: 'parking:language', newValue: 'hi' })),
  )
  await expect(page.locator('html')).toHaveAttribute('lang', 'hi')
  for (const size of [...SIZES, SCREEN]) {
    await show(page, size, 'dark')
    await fits(page, size.width)
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    await show(page, PHONE, colorScheme)
    await axeFindsNothing(page, `in Hindi, ${colorScheme}`)
  }
}

for (const { name, who, path, ready } of stops) {
  test(`axe and 360 px: ${name}`, async ({ world, driver, page, context }) => {
    const lot = await world.lot({
      address: 'Platform Road',
      city: 'Mumbai',
      number_of_spots: 40,
      // Apart from the lots of the other pages, so the map has a mark for it alone.
      latitude: Math.random() * 60,
      longitude: Math.random() * 60,
    })
    const story = { world, driver, lot }
    if (who !== 'guest') await world.signIn(context, who === 'admin' ? world.admin : driver)
    await page.goto(await path(story))
    await ready(page, story)
    await check(page)
  })
}

test('the skip link leads to the content, and a page change to its heading', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/')
  await expect(page.getByRole('link', { name: /Account of/ })).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
  await page.getByRole('link', { name: 'History' }).first().click()
  await expect(page.getByRole('heading', { name: 'History' })).toBeFocused()
  await expect(page).toHaveTitle('History · Parking')
})

test('the chosen theme is kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto('/')
  await page.getByRole('button', { name: 'Switch to dark' }).click()
  await expect(page.locator('html')).toHaveClass(/dark/)
  await page.reload()
  await expect(page.locator('html')).toHaveClass(/dark/)
})
