import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { en } from './en'
import { hi } from './hi'

function flatten(messages: object, prefix = ''): [key: string, text: string][] {
  return Object.entries(messages).flatMap(([key, value]) =>
    typeof value === 'string'
      ? [[prefix + key, value] as [string, string]]
      : flatten(value as object, `${prefix}${key}.`),
  )
}

const root = join(import.meta.dirname, '..')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) =>
    /\.(?:ts|vue)$/.test(path) &&
    !/\.test\.ts$|i18n\/(?:en|hi)\/|schema\.d\.ts$|actions\.ts$/.test(path),
)
const source = files.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')

const english = new Map(flatten(en))
const hindi = new Map(flatten(hi))
const keys = new Set(english.keys())
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

describe('the messages in Hindi', () => {
  it('are the same ones', () => {
    expect([...hindi.keys()].sort()).toEqual([...keys].sort())
  })

  it('take the same values, in as many forms', () => {
    const shape = (text: string) => ({
      forms: text.split('|').length,
      names: [...new Set(text.match(/(?<=\{)\w+(?=\})/g))].sort(),
    })
    for (const [key, text] of english) {
      expect({ key, ...shape(hindi.get(key) ?? '') }).toEqual({ key, ...shape(text) })
    }
  })

  it('are in Hindi: no English is left', () => {
    const left = [...hindi].filter(([key, text]) => {
      const words = text.replace(/\{.*?\}/g, '')
      return (
        key !== 'nav.search_keys' && !/\p{Script=Devanagari}/u.test(words) && /[a-z]/.test(words)
      )
    })
    expect(left).toEqual([])
  })
})
