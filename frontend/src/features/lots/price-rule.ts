// A price rule in words.
import { useI18n } from 'vue-i18n'
import type { Tariff } from '@/api/types'
import { useFormat } from '@/i18n/format'

interface Priced {
  price_per_hour_minor: number
  currency: string
  tariff: Tariff
}

export function usePriceRule() {
  const { t } = useI18n()
  const { price, duration, sentences } = useFormat()

  /** "₹60 per hour, per started minute" */
  function brief(of: Priced): string {
    if (of.price_per_hour_minor === 0) return t('price.free')
    const amount = price(of.price_per_hour_minor, of.currency)
    const n = of.tariff.increment_minutes
    return n === 1
      ? t('price.per_started_minute', { amount })
      : t('price.per_started', { amount, time: duration(n) })
  }

  /** The rest of the rule, a sentence each. */
  function extras(of: Priced): string[] {
    const lines: string[] = []
    if (of.price_per_hour_minor === 0) return lines
    if (of.tariff.free_minutes > 0) {
      lines.push(t('price.free_minutes', { time: duration(of.tariff.free_minutes) }))
    }
    if (of.tariff.daily_cap_minor != null) {
      lines.push(t('price.cap', { amount: price(of.tariff.daily_cap_minor, of.currency) }))
    }
    return lines
  }

  /** The whole rule in a few words, beside a price per hour. */
  function short(of: Priced): string {
    if (of.price_per_hour_minor === 0) return ''
    const { free_minutes, increment_minutes: n, daily_cap_minor } = of.tariff
    return [
      n === 1 ? t('price.short_minute') : t('price.short_increment', { time: duration(n) }),
      free_minutes > 0 && t('price.short_free', { time: duration(free_minutes) }),
      daily_cap_minor != null &&
        t('price.short_cap', { amount: price(daily_cap_minor, of.currency) }),
    ]
      .filter(Boolean)
      .join('\u00a0· ')
  }

  /** All of it in sentences. */
  const whole = (of: Priced) => sentences([brief(of), ...extras(of)])

  return { brief, extras, short, whole }
}

export function placeText(lot: { address?: string | null; city?: string | null }): string {
  return [lot.address, lot.city].filter(Boolean).join(', ')
}
