// What the overview tells: counts of all lots together, as fresh as the event stream knows them, and its hours.
import type { Lot, Overview, Page } from '@/api/types'
import { wallClock } from '@/lib/time-zone'

export interface Counts {
  spots: number
  free: number
  occupied: number
  out_of_service: number
}

/** The stream keeps the lists of lots right; it tells what is free, not why a spot is not. */
export function liveCounts(
  overview: Overview,
  pages: readonly Page<Pick<Lot, 'free_spots' | 'number_of_spots'>>[] | undefined,
): Counts {
  const { spots, free, occupied, out_of_service: out } = overview
  const complete = pages !== undefined && !pages.at(-1)?.next_cursor
  if (!complete) return { spots, free, occupied, out_of_service: out }
  const lots = pages.flatMap(({ items }) => items)
  const add = (of: (lot: (typeof lots)[number]) => number) =>
    lots.reduce((total, lot) => total + of(lot), 0)
  const now = { spots: add((lot) => lot.number_of_spots), free: add((lot) => lot.free_spots) }
  const used = now.spots - now.free
  return { ...now, out_of_service: Math.min(out, used), occupied: Math.max(0, used - out) }
}

/** The overview's hours end now, whatever the clock says: the full hour that lies in one of them is its label. */
export function fullHourWithin(from: string, to: string, zone: string): number | null {
  const hourBefore = (moment: string) => wallClock(Date.parse(moment) - 1, zone).hour
  const hour = hourBefore(to)
  return hourBefore(from) === hour ? null : hour
}
