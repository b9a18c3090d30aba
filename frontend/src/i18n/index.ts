// The words of the pages. English is there from the start; another language comes when somebody reads it.
import { createI18n } from 'vue-i18n'
import { en, type Messages } from './en'
import { pluralForm } from './plural'

export type Language = 'en' | 'hi'

export const i18n = createI18n<[Messages], Language, false>({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en } as Record<Language, Messages>,
  pluralRules: { en: pluralForm('en'), hi: pluralForm('hi') },
})
