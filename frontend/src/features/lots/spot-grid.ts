// The geometry of a spot grid: spots by row letter, cut into lines of the grid's width.
import type { SpotStatus } from '@/api/types'

export interface GridSpot {
  id: string
  label: string
  status: SpotStatus
}

export interface SpotGroup<T extends GridSpot> {
  row: string
  /** Lines as they are drawn: at most `columns` spots each. */
  lines: { index: number; spots: T[] }[]
}

export function rowOf(label: string): string {
  return /^\p{L}+/u.exec(label)?.[0].toUpperCase() ?? ''
}

/** The server answers spots in the order of their labels; rows keep it. */
export function groupSpots<T extends GridSpot>(
  spots: readonly T[],
  columns: number,
): SpotGroup<T>[] {
  const rows = new Map<string, T[]>()
  for (const spot of spots) {
    const row = rowOf(spot.label)
    const members = rows.get(row)
    if (members) members.push(spot)
    else rows.set(row, [spot])
  }
  let index = 0
  return [...rows].map(([row, members]) => {
    const lines: SpotGroup<T>['lines'] = []
    for (let start = 0; start < members.length; start += columns) {
      lines.push({ index, spots: members.slice(start, start + columns) })
      index += 1
    }
    return { row, lines }
  })
}

/** As many columns as fit, in numbers that people can count by. */
export function columnsFor(widthPx: number): number {
  const CELL_PX_MIN = 44
  const GAP_PX = 6
  return [20, 10, 5].find((n) => n * CELL_PX_MIN + (n - 1) * GAP_PX <= widthPx) ?? 4
}

export function countByStatus(spots: readonly GridSpot[]): Record<SpotStatus, number> {
  const counts: Record<SpotStatus, number> = { free: 0, occupied: 0, out_of_service: 0 }
  for (const spot of spots) counts[spot.status] += 1
  return counts
}
