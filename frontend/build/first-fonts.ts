// The fonts of the first page: of Inter only the letters and weights that English needs, less than half of the whole, and of
// the font for Hindi only its own name, which is offered in English too.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import subsetFont from 'subset-font'
import type { Plugin } from 'vite'

const INTER = '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'
const DEVANAGARI =
  '@fontsource-variable/noto-sans-devanagari/files/noto-sans-devanagari-devanagari-wght-normal.woff2'
const ASCII = String.fromCharCode(...Array.from({ length: 0x7f - 0x20 }, (_, n) => 0x20 + n))
// styles.css says the same in its unicode-range.
const PUNCTUATION = '\u00a0·×–—‘’“”…→−'
// As i18n/language.ts has it.
const HINDI = 'हिन्दी'
const WEIGHTS = { min: 400, max: 600, default: 400 }

/** Writes them to `folder` before the styles are read. */
export function firstFonts(folder: string): Plugin {
  const write = async (name: string, of: string, letters: string) => {
    const whole = readFileSync(createRequire(import.meta.url).resolve(of))
    const variationAxes = { wght: WEIGHTS }
    const font = await subsetFont(whole, letters, { targetFormat: 'woff2', variationAxes })
    writeFileSync(join(folder, name), font)
  }
  return {
    name: 'first-fonts',
    async buildStart() {
      mkdirSync(folder, { recursive: true })
      await write('inter-first.woff2', INTER, ASCII + PUNCTUATION)
      await write('hindi-first.woff2', DEVANAGARI, HINDI)
    },
  }
}
