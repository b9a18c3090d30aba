// Numbers, money, dates and stretches of time as the reader writes them.
import { computed } from 'vue'
import type { Spend } from '@/api/types'
import { formatMoney } from '@/lib/money'
import { knownZone } from '@/lib/time-zone'
import { i18n } from '.'

/** English as it is written where the reader is; the product's home is India. */
function intlLocale(language: string): string {
  if (language !== 'en') return `${language}-IN`
  return navigator.languages.find((candidate) => /^en-/i.test(candidate)) ?? 'en-IN'
}

const MINUTES_PER_DAY = 1_440
/** How many seconds make one of them, the largest first. */
const UNITS_AGO = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const

function makeFormat() {
  const { locale, t } = i18n.global
  const intl = computed(() => intlLocale(locale.value))

  const dateFormat = (options: Intl.DateTimeFormatOptions) =>
    computed(() => new Intl.DateTimeFormat(intl.value, options))
  const time = dateFormat({ hour: 'numeric', minute: '2-digit' })
  const dateTime = dateFormat({
    day: 'numeric',
    month: 'short',
    hour: 'numeric',
    minute: '2-digit',
  })
  const fullDateTime = dateFormat({ dateStyle: 'medium', timeStyle: 'short' })
  const date = dateFormat({ dateStyle: 'medium' })
  /** Of days and months of a calendar ("2026-11-22", "2026-11"), which are read as UTC. */
  const day = dateFormat({ day: 'numeric', month: 'short', timeZone: 'UTC' })
  const month = dateFormat({ month: 'long', year: 'numeric', timeZone: 'UTC' })
  const monthName = dateFormat({ month: 'long', timeZone: 'UTC' })
  const hour = dateFormat({ hour: 'numeric' })
  const monthShort = dateFormat({ month: 'short', timeZone: 'UTC' })
  const dayInFull = dateFormat({
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  })
  const weekday = dateFormat({ weekday: 'long', timeZone: 'UTC' })
  const weekdayShort = dateFormat({ weekday: 'short', timeZone: 'UTC' })
  const number = computed(() => new Intl.NumberFormat(intl.value))
  const percent = computed(() => new Intl.NumberFormat(intl.value, { style: 'percent' }))

  const tenths = computed(
    () => new Intl.NumberFormat(intl.value, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
  )
  const change = computed(
    () => new Intl.NumberFormat(intl.value, { style: 'percent', signDisplay: 'exceptZero' }),
  )

  const twoDigits = computed(
    () => new Intl.NumberFormat(intl.value, { minimumIntegerDigits: 2, useGrouping: false }),
  )
  const list = computed(() => new Intl.ListFormat(intl.value, { type: 'unit', style: 'short' }))
  // Devanagari has no short forms that are read as easily as the words.
  const relative = computed(
    () =>
      new Intl.RelativeTimeFormat(intl.value, {
        style: locale.value === 'hi' ? 'long' : 'short',
        numeric: 'auto',
      }),
  )

  const at = (value: string | number) => new Date(value)
  /** Monday is 1. */
  const dayOfWeek = (weekdayNumber: number) => new Date(Date.UTC(2024, 0, weekdayNumber))
  const sameDay = (a: Date, b: Date) => a.toDateString() === b.toDateString()
  const sameYear = (a: Date, b: Date) => a.getFullYear() === b.getFullYear()

  /** "2:20 pm" today, "21 Nov, 2:20 pm" this year, with the year before that. */
  function when(value: string | number, now = new Date()): string {
    const moment = at(value)
    if (sameDay(moment, now)) return time.value.format(moment)
    return (sameYear(moment, now) ? dateTime : fullDateTime).value.format(moment)
  }

  /** A message with `n` in it, in the form that goes with the count. */
  const count = (key: string, n: number, text = number.value.format(n)) => t(key, { n: text }, n)

  /** "1 d 2 h 5 min"; zero parts are left out. */
  function duration(minutes: number): string {
    const days = Math.floor(minutes / MINUTES_PER_DAY)
    const hours = Math.floor((minutes % MINUTES_PER_DAY) / 60)
    const rest = minutes % 60
    const parts = [
      days > 0 && count('duration.days', days),
      hours > 0 && count('duration.hours', hours),
      rest > 0 && count('duration.minutes', rest),
    ].filter((part) => part !== false)
    return parts.length > 0 ? parts.join(' ') : count('duration.minutes', 0)
  }

  /** "One. Two. Three" */
  const sentences = (parts: readonly string[]) =>
    parts.reduce((first, second) => t('ui.two_sentences', { first, second }))

  function distance(metres: number): string {
    const kilometres = metres >= 1_000
    const value = kilometres ? metres / 1_000 : Math.round(metres / 10) * 10
    return new Intl.NumberFormat(intl.value, {
      style: 'unit',
      unit: kilometres ? 'kilometer' : 'meter',
      maximumFractionDigits: kilometres && value < 10 ? 1 : 0,
    }).format(value)
  }

  /** "1 kB" at least, "1.3 MB" */
  function fileSize(bytes: number): string {
    const megabytes = bytes >= 1_000_000
    return new Intl.NumberFormat(intl.value, {
      style: 'unit',
      unit: megabytes ? 'megabyte' : 'kilobyte',
      maximumFractionDigits: megabytes ? 1 : 0,
    }).format(megabytes ? bytes / 1_000_000 : Math.ceil(bytes / 1_000))
  }

  /** "01:04:09"; hours grow past two digits. */
  function clock(elapsedMs: number): string {
    const seconds = Math.max(0, Math.floor(elapsedMs / 1_000))
    const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
    return parts.map((part) => twoDigits.value.format(part)).join(':')
  }

  /** "3 sec ago", "2 min ago", "yesterday" */
  function ago(seconds: number): string {
    const [size, unit] = UNITS_AGO.find(([size]) => seconds >= size) ?? [1, 'second']
    return relative.value.format(-Math.max(0, Math.floor(seconds / size)), unit)
  }

  /** Amounts of several currencies, one after the other; empty when there is none. */
  function amounts(sums: readonly Spend[], options: { strip?: boolean } = {}): string {
    return list.value.format(
      sums.map(({ amount_minor: minor, currency }) =>
        formatMoney(minor, currency, intl.value, options),
      ),
    )
  }

  return {
    money: (minor: number, currency: string) => formatMoney(minor, currency, intl.value),
    price: (minor: number, currency: string) =>
      formatMoney(minor, currency, intl.value, { strip: true }),
    /** "60 Indian rupees" */
    spokenPrice: (minor: number, currency: string) =>
      formatMoney(minor, currency, intl.value, { strip: true, spoken: true }),
    /** "₹1.5L": for an axis. */
    moneyShort: (minor: number, currency: string) =>
      formatMoney(minor, currency, intl.value, { short: true }),
    number: (value: number) => number.value.format(value),
    percent: (value: number) => percent.value.format(value),
    /** "+12%" */
    change: (part: number) => change.value.format(part),
    /** "24 h" */
    wholeHours: (hours: number) => count('duration.hours', hours),
    /** "12.5 h" */
    hours: (minutes: number) =>
      count('duration.hours', minutes / 60, tenths.value.format(minutes / 60)),
    time: (value: string | number) => time.value.format(at(value)),
    date: (value: string | number) => date.value.format(at(value)),
    day: (value: string) => day.value.format(at(value)),
    /** "November 2026" of "2026-11". */
    month: (value: string) => month.value.format(at(value)),
    monthName: (value: string) => monthName.value.format(at(value)),
    /** "2 pm" of 14. */
    hour: (value: number) => hour.value.format(new Date(2000, 0, 1, value)),
    monthShort: (value: string) => monthShort.value.format(at(value)),
    /** "Sun, 22 Nov" of "2026-11-22". */
    dayInFull: (value: string) => dayInFull.value.format(at(value)),
    /** "2:15 pm" on the clocks of that zone. */
    timeIn: (value: string, timeZone: string) =>
      new Intl.DateTimeFormat(intl.value, {
        hour: 'numeric',
        minute: '2-digit',
        timeZone: knownZone(timeZone),
      }).format(at(value)),
    weekday: (value: number) => weekday.value.format(dayOfWeek(value)),
    weekdayShort: (value: number) => weekdayShort.value.format(dayOfWeek(value)),
    fullDateTime: (value: string | number) => fullDateTime.value.format(at(value)),
    when,
    ago,
    fileSize,
    duration,
    distance,
    clock,
    amounts,
    sentences,
    count,
  }
}

let format: ReturnType<typeof makeFormat> | undefined

/** One for all: a list has hundreds of components that write a number. */
export const useFormat = () => (format ??= makeFormat())
