// A month beside the one before it.
import type { HourLoad, Spend } from '@/api/types'

export interface Change {
  /** `new`: there was nothing before. */
  kind: 'more' | 'less' | 'same' | 'new'
  /** Of the month before, 0 to 1 and beyond. */
  part: number
}

export function changeOf(now: number, before: number): Change {
  if (before === 0) return { kind: now === 0 ? 'same' : 'new', part: 0 }
  const part = Math.abs(now - before) / before
  // What would read "0 %" is no change.
  if (Math.round(part * 100) === 0) return { kind: 'same', part: 0 }
  return { kind: now > before ? 'more' : 'less', part }
}

/** `null`: amounts of different currencies cannot be compared. */
export function revenueChange(now: readonly Spend[], before: readonly Spend[]): Change | null {
  if (new Set([...now, ...before].map(({ currency }) => currency)).size > 1) return null
  return changeOf(now[0]?.amount_minor ?? 0, before[0]?.amount_minor ?? 0)
}

/** As precise as an average is worth: 36.8, but 0.06. */
export function rounded(value: number): number {
  const factor = value < 1 ? 100 : 10
  return Math.round(value * factor) / factor
}

/** The hour with the most vehicles parked; `null`: nobody parked. */
export function busiestHour(hours: readonly HourLoad[]): HourLoad | null {
  const most = Math.max(0, ...hours.map(({ parked }) => parked))
  return most > 0 ? (hours.find(({ parked }) => parked === most) ?? null) : null
}
