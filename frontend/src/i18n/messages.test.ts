import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { en } from './en'

function flatten(messages: object, prefix = ''): string[] {
  return Object.entries(messages).flatMap(([key, value]) =>
    typeof value === 'string' ? [prefix + key] : flatten(value as object, `${prefix}${key}.`),
  )
}

const root = join(import.meta.dirname, '..')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) =>
    /\.(?:ts|vue)$/.test(path) && !/\.test\.ts$|i18n\/en\/|schema\.d\.ts$|actions\.ts$/.test(path),
)
const source = files.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')

const keys = new Set(flatten(en))
const sections = Object.keys(en).join('|')
/** Whole keys, and the beginnings of those that are put together. */
const used = new Set(source.match(new RegExp(`(?<=')(?:${sections})\\.[a-z_.]+(?=')`, 'g')))
const begun = source.match(new RegExp(`(?<=[\`])(?:${sections})\\.[a-z_.]*(?=\\$\\{)`, 'g')) ?? []

describe('the messages', () => {
  it('has a text for every key that is used', () => {
    expect([...used].filter((key) => !keys.has(key))).toEqual([])
  })

  it('has no text that nobody uses', () => {
    const unused = [...keys].filter(
      (key) => !used.has(key) && !begun.some((beginning) => key.startsWith(beginning)),
    )
    expect(unused).toEqual([])
  })
})
