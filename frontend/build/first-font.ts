// The font of the first page: of Inter only the letters and weights that English needs, less than half of the whole.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import subsetFont from 'subset-font'
import type { Plugin } from 'vite'

const WHOLE = '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'
const ASCII = String.fromCharCode(...Array.from({ length: 0x7f - 0x20 }, (_, n) => 0x20 + n))
// styles.css says the same in its unicode-range.
const PUNCTUATION = '\u00a0·×–—‘’“”…→−'
const WEIGHTS = { min: 400, max: 600, default: 400 }

/** Writes it to `path` before the styles are read. */
export function firstFont(path: string): Plugin {
  return {
    name: 'first-font',
    async buildStart() {
      const whole = readFileSync(createRequire(import.meta.url).resolve(WHOLE))
      const variationAxes = { wght: WEIGHTS }
      const font = await subsetFont(whole, ASCII + PUNCTUATION, {
        targetFormat: 'woff2',
        variationAxes,
      })
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, font)
    },
  }
}
