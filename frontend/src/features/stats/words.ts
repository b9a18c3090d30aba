// Figures of stays and money in words, and the columns of their tables.
import { useI18n } from 'vue-i18n'
import type { Spend } from '@/api/types'
import { type Change, changeOf, revenueChange, rounded } from '@/features/reports/compare'
import { useFormat } from '@/i18n/format'
import { toMajor } from '@/lib/money'
import type { Raw, TableColumn } from '@/ui/charts/types'
import { amountIn } from './amounts'

export function useStatsWords() {
  const { t } = useI18n()
  const format = useFormat()
  const { duration, money, number, percent } = format

  const amounts = (spend: readonly Spend[]) => format.amounts(spend, { strip: true })
  const average = (value: number) => number(rounded(value))
  const stay = (minutes: number | null) =>
    minutes === null ? t('ui.none') : duration(Math.round(minutes))
  const bookings = (count: number) => format.count('bookings.shown', count)

  /** "12% more than yesterday until now"; `before` names what it is compared with. */
  function compared({ kind, part }: Change, before: string): string {
    return t(`figures.changes.${kind}`, { percent: percent(part), before })
  }
  const comparedCount = (now: number, was: number, before: string) =>
    compared(changeOf(now, was), before)
  /** Amounts of several currencies are told beside each other. */
  function comparedMoney(now: readonly Spend[], was: readonly Spend[], before: string): string {
    const change = revenueChange(now, was)
    return change ? compared(change, before) : t('figures.was', { before, amount: amounts(was) })
  }

  const asNumber = (value: Raw) => (typeof value === 'number' ? value : 0)
  /** `read` makes words of what a file has raw. */
  const text = (name: string, read?: (value: string) => string): TableColumn => ({
    name,
    text: read && ((value) => read(String(value))),
  })
  const count = (name: string): TableColumn => ({
    name,
    numeric: true,
    text: (value) => number(asNumber(value)),
  })
  const averaged = (name: string): TableColumn => ({
    name,
    numeric: true,
    text: (value) => average(asNumber(value)),
    file: (value) => Math.round(asNumber(value) * 100) / 100,
  })
  const share = (name: string): TableColumn => ({
    name,
    numeric: true,
    text: (value) => percent(asNumber(value)),
    file: (value) => Math.round(asNumber(value) * 10_000) / 10_000,
  })
  /** Read as a length of time; a file has the number. */
  const minutes = (name: string): TableColumn => ({
    name,
    numeric: true,
    text: (value) => stay(typeof value === 'number' ? value : null),
    file: (value) => (typeof value === 'number' ? Math.round(value) : value),
  })
  const moneyIn = (currency: string, name = t('figures.revenue')): TableColumn => ({
    name: t('figures.in', { name, currency }),
    numeric: true,
    text: (value) => money(asNumber(value), currency),
    file: (value) => toMajor(asNumber(value), currency),
  })
  const moneyCells = (spend: readonly Spend[], currencies: readonly string[]) =>
    currencies.map((currency) => amountIn(spend, currency))

  return {
    amounts,
    average,
    stay,
    bookings,
    comparedCount,
    comparedMoney,
    columns: { text, count, averaged, share, minutes, moneyIn },
    moneyCells,
  }
}
