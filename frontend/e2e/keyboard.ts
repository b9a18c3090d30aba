import type { Locator, Page } from '@playwright/test'

const PRESSES_MAX = 80

/** Presses Tab until the element has the focus: whoever has no mouse gets there, too. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  const focused = target.and(page.locator(':focus'))
  for (let presses = 0; presses < PRESSES_MAX; presses += 1) {
    await page.keyboard.press('Tab')
    if ((await focused.count()) > 0) return
  }
  throw new Error(`the Tab key does not reach ${String(target)}`)
}
