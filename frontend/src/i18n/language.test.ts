import { afterEach, describe, expect, it, vi } from 'vitest'
import { i18n } from '.'
import { firstLanguage, speak, speakFirst } from './language'

describe('the language that is spoken first', () => {
  it.each([
    ['hi', ['en-IN'], 'hi'],
    ['en', ['hi-IN'], 'en'],
    [null, ['hi-IN', 'en-IN'], 'hi'],
    [null, ['en-IN', 'hi-IN'], 'en'],
    [null, ['mr-IN', 'hi', 'en'], 'hi'],
    [null, ['fr', 'de'], 'en'],
    ['tlh', ['HI'], 'hi'],
    [null, [], 'en'],
  ])('of a device that remembers %s and a reader of %j is %s', (last, preferred, expected) => {
    expect(firstLanguage(last, preferred)).toBe(expected)
  })
})

describe('the language that is spoken', () => {
  afterEach(() => speak('en'))

  it('is that of the page, and is remembered', async () => {
    await speak('hi')
    expect(i18n.global.t('nav.find')).toBe('खोजें')
    expect(document.documentElement.lang).toBe('hi')
    await speak('en')
    expect(document.documentElement.lang).toBe('en')
    localStorage.setItem('parking:language', 'hi')
    await speakFirst()
    expect(document.documentElement.lang).toBe('hi')
  })

  it('is the last that was asked for, whichever comes first', async () => {
    await Promise.all([speak('hi'), speak('en')])
    expect(i18n.global.locale.value).toBe('en')
  })

  it("is the reader's without being remembered: another day they may prefer another", async () => {
    localStorage.clear()
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['hi-IN'])
    await speakFirst()
    expect(i18n.global.locale.value).toBe('hi')
    expect(localStorage.getItem('parking:language')).toBeNull()
  })
})
