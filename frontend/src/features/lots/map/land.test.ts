import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clipCoast, coastsOf, traceLand, type Coast } from './land'
import { project } from './place'

const SQUARE: Coast = {
  points: Float64Array.from([0.2, 0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8]),
  minX: 0.2,
  minY: 0.2,
  maxX: 0.8,
  maxY: 0.8,
}

const area = (points: number[]) => {
  let sum = 0
  for (let index = 0; index < points.length; index += 2) {
    const next = (index + 2) % points.length
    sum += (points[index] ?? 0) * (points[next + 1] ?? 0)
    sum -= (points[next] ?? 0) * (points[index + 1] ?? 0)
  }
  return Math.abs(sum) / 2
}

describe('a coast', () => {
  it('is cut at the edges of a tile', () => {
    const within = clipCoast(SQUARE, { x: 0, y: 0, size: 1 })
    expect(area(within)).toBeCloseTo(0.36)
    const corner = clipCoast(SQUARE, { x: 0, y: 0, size: 0.5 })
    expect(area(corner)).toBeCloseTo(0.09)
    expect(Math.max(...corner)).toBeCloseTo(0.5)
  })

  it('fills a tile inland, and none out at sea', () => {
    expect(area(clipCoast(SQUARE, { x: 0.4, y: 0.4, size: 0.1 }))).toBeCloseTo(0.01)
    expect(clipCoast(SQUARE, { x: 0.9, y: 0.9, size: 0.1 })).toEqual([])
  })
})

describe('the bundled land', () => {
  const path = join('node_modules/world-atlas/land-50m.json')
  const coasts = coastsOf(JSON.parse(readFileSync(path, 'utf8')) as Parameters<typeof coastsOf>[0])

  it('has Pune ashore and the Arabian Sea wet', () => {
    const land = (latitude: number, longitude: number) => {
      const { x, y } = project({ latitude, longitude })
      const square = { x: x - 1e-5, y: y - 1e-5, size: 2e-5 }
      const parts = coasts.map((coast) => area(clipCoast(coast, square)))
      return parts.reduce((sum, part) => sum + part, 0) > 0
    }
    expect(land(18.53, 73.85)).toBe(true)
    expect(land(15, 65)).toBe(false)
  })

  it('is drawn within its tile, but for a margin', () => {
    const drawn: number[] = []
    const note = (x: number, y: number) => drawn.push(x, y)
    const path = { moveTo: note, lineTo: note, closePath: () => undefined }
    traceLand(path as unknown as CanvasPath, coasts, { x: 0.6875, y: 0.4375, size: 0.0625 }, 256)
    expect(drawn.length).toBeGreaterThan(100)
    expect(Math.min(...drawn)).toBeGreaterThan(-6)
    expect(Math.max(...drawn)).toBeLessThan(262)
  })
})
