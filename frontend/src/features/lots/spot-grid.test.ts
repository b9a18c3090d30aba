import { describe, expect, it } from 'vitest'
import type { SpotStatus } from '@/api/types'
import { columnsFor, countByStatus, groupSpots, rowOf, type GridSpot } from './spot-grid'

function spots(row: string, count: number, status: SpotStatus = 'free'): GridSpot[] {
  return Array.from({ length: count }, (_, index) => {
    const label = `${row}${String(index + 1).padStart(2, '0')}`
    return { id: label, label, status }
  })
}
// A01..A05, A06..A07, B01..B05, B06: four lines of five columns.
const grid = groupSpots([...spots('A', 7), ...spots('B', 6)], 5)
const lines = grid.flatMap((group) => group.lines.map((line) => line.spots))

describe('the spot grid', () => {
  it('cuts each row into lines of its width', () => {
    expect(lines.map((line) => line.map((spot) => spot.label).join(' '))).toEqual([
      'A01 A02 A03 A04 A05',
      'A06 A07',
      'B01 B02 B03 B04 B05',
      'B06',
    ])
    expect(grid.map((group) => group.row)).toEqual(['A', 'B'])
  })

  it.each([
    ['A01', 'A'],
    ['ZA100', 'ZA'],
    ['b-7', 'B'],
    ['12', ''],
    ['É3', 'É'],
  ])('the row of %s is "%s"', (label, row) => {
    expect(rowOf(label)).toBe(row)
  })

  it.each([
    [320, 5],
    [296, 5],
    [200, 4],
    [600, 10],
    [1_060, 20],
  ])('%i px hold %i columns', (width, columns) => {
    expect(columnsFor(width)).toBe(columns)
  })

  it('counts by status', () => {
    const mixed = [
      ...spots('A', 3),
      ...spots('B', 2, 'occupied'),
      ...spots('C', 1, 'out_of_service'),
    ]
    expect(countByStatus(mixed)).toEqual({ free: 3, occupied: 2, out_of_service: 1 })
  })
})
