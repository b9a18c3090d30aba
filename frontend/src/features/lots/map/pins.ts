// Which marks a map shows: lots that would lie upon one another share one.
import type { Lot } from '@/api/types'
import { placeOf, project, worldPx, ZOOM_MAX, type Place, type Point } from './place'

export interface Pin {
  /** Stays the same as the map moves, so a mark keeps its element and the focus. */
  key: string
  /** One, or those that share the mark. */
  lots: readonly Lot[]
  place: Place
  at: Point
}

export interface Box {
  min: Point
  max: Point
}

/** Marks are as wide as a thumb and a half. */
const APART_PX = 64
/** What a mark and the name below it cover, in pixels from the place that it points at. */
const MARK = { left: -38, right: 38, top: -44, bottom: 4 }
const NAME = { left: -74, right: 74, top: 2, bottom: 20 }

interface Group {
  lots: Lot[]
  at: Point
  sum: { x: number; y: number; latitude: number; longitude: number }
}

/**
 * Goes through the lots in their own order, not by what is in view: panning never regroups them.
 * A grid with cells as wide as the distance finds the groups near a lot without looking at all.
 */
export function groupLots(lots: readonly Lot[], zoom: number): Pin[] {
  const apart = APART_PX / worldPx(zoom)
  const cells = new Map<string, Group[]>()
  const groups: Group[] = []

  function near(at: Point): Group | undefined {
    const [column, row] = [Math.floor(at.x / apart), Math.floor(at.y / apart)]
    for (let x = column - 1; x <= column + 1; x += 1) {
      for (let y = row - 1; y <= row + 1; y += 1) {
        const found = cells
          .get(`${x},${y}`)
          ?.find((group) => Math.hypot(group.at.x - at.x, group.at.y - at.y) < apart)
        if (found) return found
      }
    }
    return undefined
  }

  for (const lot of [...lots].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const place = placeOf(lot)
    if (!place) continue
    const at = project(place)
    let group = near(at)
    if (!group) {
      group = { lots: [], at, sum: { x: 0, y: 0, latitude: 0, longitude: 0 } }
      groups.push(group)
      const cell = `${Math.floor(at.x / apart)},${Math.floor(at.y / apart)}`
      cells.set(cell, [...(cells.get(cell) ?? []), group])
    }
    group.lots.push(lot)
    group.sum.x += at.x
    group.sum.y += at.y
    group.sum.latitude += place.latitude
    group.sum.longitude += place.longitude
  }
  return groups.map(toPin)
}

function toPin({ lots, sum }: Group): Pin {
  const n = lots.length
  const id = lots[0]?.id ?? ''
  return {
    key: n === 1 ? id : `${id}+`,
    lots,
    place: { latitude: sum.latitude / n, longitude: sum.longitude / n },
    at: { x: sum.x / n, y: sum.y / n },
  }
}

/** What lies in the box, nearest to the middle first: the order in which the Tab key meets them. */
export function pinsWithin(pins: readonly Pin[], { min, max }: Box, middle: Point): Pin[] {
  const distance = ({ at }: Pin) => (at.x - middle.x) ** 2 + (at.y - middle.y) ** 2
  return pins
    .filter(({ at }) => at.x >= min.x && at.x <= max.x && at.y >= min.y && at.y <= max.y)
    .sort((a, b) => distance(a) - distance(b))
}

/** The pins with room below for a name: neither a mark nor the name of one before lies there. */
export function pinsWithName(pins: readonly Pin[], zoom: number): Set<string> {
  const world = worldPx(zoom)
  const named: Pin[] = []
  for (const pin of pins) {
    const covers = (other: Pin, area: typeof NAME) => {
      const [right, down] = [(other.at.x - pin.at.x) * world, (other.at.y - pin.at.y) * world]
      return (
        right + area.left < NAME.right &&
        right + area.right > NAME.left &&
        down + area.top < NAME.bottom &&
        down + area.bottom > NAME.top
      )
    }
    const taken =
      pins.some((other) => other !== pin && covers(other, MARK)) ||
      named.some((other) => covers(other, NAME))
    if (!taken) named.push(pin)
  }
  return new Set(named.map((pin) => pin.key))
}

export type PinStatus = 'free' | 'few' | 'full'

/** Few are left: better to hurry, or to look for another. */
const FEW_PART = 0.1

export function pinStatus(free: number, total: number): PinStatus {
  if (free === 0) return 'full'
  return free <= total * FEW_PART ? 'few' : 'free'
}

export function figuresOf(lots: readonly Lot[]): { free: number; total: number } {
  return {
    free: lots.reduce((sum, lot) => sum + lot.free_spots, 0),
    total: lots.reduce((sum, lot) => sum + lot.number_of_spots, 0),
  }
}

/** Whether some zoom shows these lots apart; those at one place stay together. */
export function canBeParted(lots: readonly Lot[]): boolean {
  return groupLots(lots, ZOOM_MAX).length > 1
}
