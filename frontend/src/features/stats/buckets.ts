// The days of a period, or its months when there are many.
import type { DayStats, Spend } from '@/api/types'
import { sum } from './amounts'

export interface Bucket {
  /** A day or a month. */
  key: string
  days: number
  revenue: Spend[]
  bookings: number
  parkedAverage: number
  parkedPeak: number
  occupancy: number
  /** Today, or this month. */
  unfinished: boolean
}

const ofDay = (day: DayStats, today: string): Bucket => ({
  key: day.day,
  days: 1,
  revenue: day.revenue,
  bookings: day.bookings_started,
  parkedAverage: day.parked_average,
  parkedPeak: day.parked_peak,
  occupancy: day.occupancy,
  unfinished: day.day === today,
})

const add = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

export function bucketsOf(days: readonly DayStats[], today: string, months: boolean): Bucket[] {
  if (!months) return days.map((day) => ofDay(day, today))
  const groups = new Map<string, DayStats[]>()
  for (const day of days) {
    const month = day.day.slice(0, 7)
    groups.set(month, [...(groups.get(month) ?? []), day])
  }
  return [...groups].map(([key, members]) => {
    const mean = (of: (day: DayStats) => number) => add(members.map(of)) / members.length
    return {
      key,
      days: members.length,
      revenue: sum(members.map(({ revenue }) => revenue)),
      bookings: add(members.map((day) => day.bookings_started)),
      parkedAverage: mean((day) => day.parked_average),
      parkedPeak: Math.max(...members.map((day) => day.parked_peak)),
      occupancy: mean((day) => day.occupancy),
      unfinished: key === today.slice(0, 7),
    }
  })
}
