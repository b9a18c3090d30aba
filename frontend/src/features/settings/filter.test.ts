import { describe, expect, it } from 'vitest'
import type { ShownSetting } from '@/api/types'
import { matching } from './filter'

const settings: ShownSetting[] = [
  { name: 'TIME_ZONE', value: 'Asia/Kolkata', origin: 'default', meaning: 'Of wall clocks.' },
  { name: 'SECRET_KEY', value: null, origin: 'file', meaning: 'Signs tokens.' },
  { name: 'LOG', value: 'info', origin: 'environment', meaning: 'What is logged.' },
]
const names = (text: string, onlySet = false) =>
  matching(settings, text, onlySet).map(({ name }) => name)

describe('settings', () => {
  it.each([
    ['', ['TIME_ZONE', 'SECRET_KEY', 'LOG']],
    ['kolkata', ['TIME_ZONE']],
    ['signs  key', ['SECRET_KEY']],
    ['null', []],
  ])('found by "%s" are %o', (text, expected) => {
    expect(names(text)).toEqual(expected)
  })

  it('are only those that somebody has set, if one wants', () => {
    expect(names('', true)).toEqual(['SECRET_KEY', 'LOG'])
  })
})
