// The coasts of the world (Natural Earth 1:50m, as world-atlas has them), drawn tile by tile.
import landUrl from 'world-atlas/land-50m.json?url'
import { feature } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import { project } from './place'

/** A coast as x, y, x, y, ... of the world as a square of 1 by 1. */
export interface Coast {
  points: Float64Array
  minX: number
  minY: number
  maxX: number
  maxY: number
}

let reading: Promise<Coast[]> | null = null

export function readLand(): Promise<Coast[]> {
  reading ??= fetchLand().catch((error: unknown) => {
    reading = null
    throw error
  })
  return reading
}

async function fetchLand(): Promise<Coast[]> {
  const response = await fetch(landUrl)
  if (!response.ok) throw new Error(`${landUrl}: ${response.status}`)
  return coastsOf((await response.json()) as Topology<{ land: GeometryCollection }>)
}

export function coastsOf(topology: Topology<{ land: GeometryCollection }>): Coast[] {
  return feature(topology, topology.objects.land).features.flatMap(({ geometry }) => {
    if (geometry.type === 'Polygon') return geometry.coordinates.map(toCoast)
    return geometry.type === 'MultiPolygon' ? geometry.coordinates.flat().map(toCoast) : []
  })
}

function toCoast(ring: readonly (readonly number[])[]): Coast {
  const points = new Float64Array(ring.length * 2)
  const coast = { points, minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity }
  ring.forEach(([longitude = 0, latitude = 0], index) => {
    const { x, y } = project({ latitude, longitude })
    points[2 * index] = x
    points[2 * index + 1] = y
    coast.minX = Math.min(coast.minX, x)
    coast.maxX = Math.max(coast.maxX, x)
    coast.minY = Math.min(coast.minY, y)
    coast.maxY = Math.max(coast.maxY, y)
  })
  return coast
}

export interface Square {
  x: number
  y: number
  size: number
}

/**
 * The part of a coast within a square, side by side (Sutherland and Hodgman, 1974). Parts that the cut tears apart stay joined
 * along the edge of the square, where a margin hides it. Empty when the coast is elsewhere.
 */
export function clipCoast(coast: Coast, { x, y, size }: Square): number[] {
  if (coast.maxX < x || coast.minX > x + size || coast.maxY < y || coast.minY > y + size) return []
  let points: ArrayLike<number> = coast.points
  points = clipSide(points, 0, x, 1)
  points = clipSide(points, 0, x + size, -1)
  points = clipSide(points, 1, y, 1)
  points = clipSide(points, 1, y + size, -1)
  return points as number[]
}

/** Keeps what lies on the side of `limit` to which `sign` points, along the axis 0 (x) or 1 (y). */
function clipSide(points: ArrayLike<number>, axis: 0 | 1, limit: number, sign: 1 | -1): number[] {
  const kept: number[] = []
  const at = (index: number) => points[index] ?? 0
  const inside = (index: number) => (at(index + axis) - limit) * sign >= 0
  for (let index = 0; index < points.length; index += 2) {
    const before = index === 0 ? points.length - 2 : index - 2
    if (inside(index) !== inside(before)) {
      const part = (limit - at(before + axis)) / (at(index + axis) - at(before + axis))
      const across = at(before + 1 - axis) + part * (at(index + 1 - axis) - at(before + 1 - axis))
      kept.push(axis === 0 ? limit : across, axis === 0 ? across : limit)
    }
    if (inside(index)) kept.push(at(index), at(index + 1))
  }
  return kept
}

/** Hides the edges at which coasts were cut. */
const MARGIN = 0.02

/** Adds the land within the square to the path, `px` pixels wide. */
export function traceLand(
  path: CanvasPath,
  coasts: readonly Coast[],
  { x, y, size }: Square,
  px: number,
): void {
  const margin = size * MARGIN
  const wider = { x: x - margin, y: y - margin, size: size + 2 * margin }
  const scale = px / size
  for (const coast of coasts) {
    const points = clipCoast(coast, wider)
    for (let index = 0; index < points.length; index += 2) {
      const [right, down] = [
        ((points[index] ?? 0) - x) * scale,
        ((points[index + 1] ?? 0) - y) * scale,
      ]
      if (index === 0) path.moveTo(right, down)
      else path.lineTo(right, down)
    }
    if (points.length > 0) path.closePath()
  }
}
