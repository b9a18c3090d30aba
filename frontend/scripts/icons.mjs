// Draws the icons of the installed application from the brand mark, with the browser of the end-to-end tests:
// node scripts/icons.mjs. The pictures are committed; run it again when the mark changes.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { chromium } from '@playwright/test'

const SIGN_BLUE = '#1d4ed8'
const folder = join(import.meta.dirname, '../public/icons')

/** The mark of public/favicon.svg in white on the sign's blue; `part` of the width for the mark, `corner` of it rounded. */
function icon({ part, corner }) {
  const scale = (100 * part) / 24
  const start = 50 - 12 * scale
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
    <rect width="100" height="100" rx="${100 * corner}" fill="${SIGN_BLUE}"/>
    <g transform="translate(${start} ${start}) scale(${scale})" fill="none" stroke="#fff"
      stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
      <circle cx="12" cy="12" r="10"/><path d="M9 17V7h4a3 3 0 0 1 0 6H9"/>
    </g>
  </svg>`
}

const ROUNDED = { part: 0.72, corner: 0.22 }
/** Launchers cut what they like out of it: only the middle four fifths are sure to be seen. */
const MASKABLE = { part: 0.58, corner: 0 }
const icons = [
  { name: 'icon-192', size: 192, look: ROUNDED },
  { name: 'icon-512', size: 512, look: ROUNDED },
  { name: 'maskable-192', size: 192, look: MASKABLE },
  { name: 'maskable-512', size: 512, look: MASKABLE },
  // iOS rounds the corners itself.
  { name: 'apple-touch-icon', size: 180, look: { part: 0.72, corner: 0 } },
]

const finder = join(import.meta.dirname, '../../scripts/find-chromium')
const browser = await chromium.launch({
  executablePath: execFileSync(finder, { encoding: 'utf8' }).trim(),
  args: ['--no-sandbox', '--disable-gpu'],
})
const page = await browser.newPage()
for (const { name, size, look } of icons) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(
    `<style>body{margin:0}svg{display:block;width:${size}px}</style>${icon(look)}`,
  )
  await page.screenshot({ path: join(folder, `${name}.png`), omitBackground: true })
}
await browser.close()
