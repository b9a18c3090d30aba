// Every refusal in words a person can act on.
import { useI18n } from 'vue-i18n'
import { ApiProblem, type FieldError } from '@/api/problem'

interface Words {
  t(key: string, named?: Record<string, unknown>, plural?: number): string
  te(key: string): boolean
}

export function problemText(error: unknown, words: Words): string {
  const { t, te } = words
  if (!(error instanceof ApiProblem)) return t('problem.unexpected')
  if (error.code === 'rate_limited') return waitText(error.retryAfterSeconds, words)
  if (te(`problem.${error.code}`)) return t(`problem.${error.code}`)
  return error.status >= 400 && error.status < 500 && error.message !== error.code
    ? error.message
    : t('problem.unexpected')
}

function waitText(seconds: number | null, { t }: Words): string {
  if (seconds === null) return t('problem.rate_limited')
  if (seconds <= 90) return t('problem.rate_limited_seconds', { n: seconds }, seconds)
  const minutes = Math.ceil(seconds / 60)
  return t('problem.rate_limited_minutes', { n: minutes }, minutes)
}

/** The server says in English what is wrong with a field. */
export function useFieldText(): (error: FieldError) => string {
  const { locale, t } = useI18n()
  return ({ message }) => (locale.value === 'en' ? message : t('problem.field_refused'))
}

export function useProblemText(): (error: unknown) => string {
  const { t, te } = useI18n()
  const words: Words = {
    t: (key, named = {}, plural) => (plural === undefined ? t(key, named) : t(key, named, plural)),
    te: (key) => te(key),
  }
  return (error) => problemText(error, words)
}
