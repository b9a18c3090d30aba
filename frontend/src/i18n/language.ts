// The language that the pages speak: on this device the one that was last spoken, else the reader's first that we know.
import { ApiProblem } from '@/api/problem'
import { remember } from '@/lib/remember'
import { i18n, type Language } from '.'

/** Each in its own words: whoever looks for a language reads that one. */
export const LANGUAGES: readonly { code: Language; name: string; choose: string }[] = [
  { code: 'en', name: 'English', choose: 'Switch to English' },
  { code: 'hi', name: 'हिन्दी', choose: 'हिन्दी में देखें' },
]

const KEPT_AS = 'parking:language'
const kept = remember(KEPT_AS)
let wanted: Language = 'en'

const isLanguage = (code: unknown): code is Language =>
  LANGUAGES.some((language) => language.code === code)

export function firstLanguage(last: string | null, preferred: readonly string[]): Language {
  const codes = [last, ...preferred.map((tag) => tag.toLowerCase().split('-')[0])]
  return codes.find(isLanguage) ?? 'en'
}

async function load(language: Language): Promise<void> {
  if (i18n.global.availableLocales.includes(language)) return
  const { hi } = await import('./hi').catch(() => {
    throw ApiProblem.network()
  })
  i18n.global.setLocaleMessage(language, hi)
}

async function show(language: Language): Promise<void> {
  wanted = language
  await load(language)
  // Another was asked for while this one was on its way.
  if (wanted !== language) return
  i18n.global.locale.value = language
  document.documentElement.lang = language
}

/** Before anything is shown. Without its words, a language gives way to English. Other tabs of this device are followed. */
export async function speakFirst(): Promise<void> {
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === KEPT_AS && isLanguage(newValue)) void show(newValue).catch(() => undefined)
  })
  await show(firstLanguage(kept.get(), navigator.languages)).catch(() => show('en'))
}

/** From now on, on this device. Throws an ApiProblem when its words cannot be had. */
export async function speak(language: Language): Promise<void> {
  await show(language)
  kept.set(language)
}
