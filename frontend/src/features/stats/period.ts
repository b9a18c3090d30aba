// Periods of days of a calendar ("2026-10-01"), both ends inclusive.
import { addMonths, isMonth } from '@/lib/month'

export interface Period {
  from: string
  to: string
}

export const PRESETS = ['7d', '30d', 'month', 'last-month', 'year', '12m'] as const
export type Preset = (typeof PRESETS)[number]
export const PRESET_AT_FIRST: Preset = '30d'

export const isPreset = (text: string): text is Preset =>
  (PRESETS as readonly string[]).includes(text)

const DAY_MS = 86_400_000
/** What the server answers at most. */
const YEARS_MAX = 3
/** With more bars than this a month is one bar. */
const DAYS_EACH_MAX = 92

const isDay = (text: string) =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && isMonth(text.slice(0, 7)) && addDays(text, 0) === text
const monthOf = (day: string) => day.slice(0, 7)

export function addDays(day: string, days: number): string {
  const at = Date.parse(`${day}T00:00:00Z`)
  return Number.isNaN(at) ? '' : new Date(at + days * DAY_MS).toISOString().slice(0, 10)
}

export function daysIn({ from, to }: Period): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1
}

export function presetPeriod(preset: Preset, today: string): Period {
  const month = monthOf(today)
  const periods: Record<Preset, () => Period> = {
    '7d': () => ({ from: addDays(today, -6), to: today }),
    '30d': () => ({ from: addDays(today, -29), to: today }),
    month: () => ({ from: `${month}-01`, to: today }),
    'last-month': () => ({
      from: `${addMonths(month, -1)}-01`,
      to: addDays(`${month}-01`, -1),
    }),
    year: () => ({ from: `${today.slice(0, 4)}-01-01`, to: today }),
    // Whole months, the present one as far as it has come.
    '12m': () => ({ from: `${addMonths(month, -11)}-01`, to: today }),
  }
  return periods[preset]()
}

export type PeriodProblem = 'incomplete' | 'order' | 'long'

export function problemOf({ from, to }: Period): PeriodProblem | null {
  if (!isDay(from) || !isDay(to)) return 'incomplete'
  if (from > to) return 'order'
  const end = `${Number(from.slice(0, 4)) + YEARS_MAX}${from.slice(4)}`
  return to >= end ? 'long' : null
}

/** As many days, right before. */
export function periodBefore(period: Period): Period {
  return { from: addDays(period.from, -daysIn(period)), to: addDays(period.from, -1) }
}

export const byMonth = (period: Period) => daysIn(period) > DAYS_EACH_MAX

/** All months from the first to the last, both named. */
export function monthsBetween(first: string, last: string): string[] {
  const months = [first]
  for (let month = first; month < last;) {
    month = addMonths(month, 1)
    months.push(month)
  }
  return months
}
