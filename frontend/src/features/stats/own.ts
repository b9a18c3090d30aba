// One's own months, without gaps.
import type { OwnStats, Totals } from '@/api/types'
import { monthsBetween } from './period'

export interface MonthTotals extends Totals {
  month: string
}

/** From the first month with a stay to this one: a month without is a figure too. */
export function wholeMonths(months: OwnStats['months'], thisMonth: string): MonthTotals[] {
  const first = months[0]?.month
  if (first === undefined) return []
  const known = new Map(months.map((month) => [month.month, month]))
  const last = [thisMonth, months.at(-1)?.month ?? ''].sort().at(-1) ?? thisMonth
  return monthsBetween(first, last).map(
    (month) => known.get(month) ?? { month, bookings: 0, minutes: 0, spend: [] },
  )
}
