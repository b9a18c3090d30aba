import { describe, expect, it } from 'vitest'
import type { Lot } from '@/api/types'
import { canBeParted, groupLots, pinStatus, pinsWithin, pinsWithName } from './pins'
import { project } from './place'

const lot = (id: string, latitude: number | null, longitude: number | null): Lot =>
  ({ id, name: id, latitude, longitude, free_spots: 1, number_of_spots: 2 }) as Lot

const WORLD = { min: { x: 0, y: 0 }, max: { x: 1, y: 1 } }
const keys = (pins: readonly { key: string }[]) => pins.map((pin) => pin.key)

/** All over India, the same in every run. */
function many(count: number): Lot[] {
  let seed = 1
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
  return Array.from({ length: count }, (_, n) =>
    lot(String(n).padStart(6, '0'), 8 + random() * 25, 70 + random() * 20),
  )
}

describe('lots on a map', () => {
  it('share a mark where they would lie upon one another, and part when the map is nearer', () => {
    const lots = [lot('a', 18.94, 72.83), lot('b', 18.95, 72.84), lot('c', 28.6, 77.2)]
    const far = groupLots(lots, 5)
    expect(keys(far)).toEqual(['a+', 'c'])
    expect(far[0]?.place.latitude).toBeCloseTo(18.945)
    expect(keys(groupLots(lots, 14))).toEqual(['a', 'b', 'c'])
  })

  it('have no mark without a place', () => {
    expect(groupLots([lot('a', null, null), lot('b', 1, null)], 5)).toEqual([])
  })

  it('are grouped alike in whatever order they come', () => {
    const lots = many(500)
    const groups = (of: Lot[]) =>
      groupLots(of, 6).map((pin) => `${pin.key}:${pin.lots.map(({ id }) => id).join()}`)
    expect(groups([...lots].reverse())).toEqual(groups(lots))
  })

  it('keep their distance at every zoom', () => {
    for (const zoom of [4, 7, 10]) {
      const seeds = groupLots(many(800), zoom).map((pin) => pin.lots[0])
      const px = 256 * 2 ** zoom
      const points = seeds.map((seed) =>
        project({ latitude: seed?.latitude ?? 0, longitude: seed?.longitude ?? 0 }),
      )
      const distances = points.flatMap((a, index) =>
        points.slice(index + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y) * px),
      )
      expect(distances.every((distance) => distance >= 64)).toBe(true)
    }
  })

  it('are few marks, though there are ten thousand, and all of them are counted', () => {
    const pins = groupLots(many(10_000), 5)
    expect(pins.length).toBeLessThan(400)
    expect(pins.reduce((sum, pin) => sum + pin.lots.length, 0)).toBe(10_000)
  })

  it('are met from the middle outwards, and only where the map looks', () => {
    const pins = groupLots([lot('a', 10, 70), lot('b', 20, 75), lot('c', 30, 80)], 6)
    expect(keys(pinsWithin(pins, WORLD, project({ latitude: 29, longitude: 80 })))).toEqual([
      'c',
      'b',
      'a',
    ])
    const south = { min: project({ latitude: 22, longitude: 60 }), max: { x: 1, y: 1 } }
    expect(keys(pinsWithin(pins, south, project({ latitude: 10, longitude: 70 })))).toEqual([
      'a',
      'b',
    ])
  })

  it('are named where neither a mark nor another name is in the way', () => {
    const pins = groupLots(
      [lot('a', 18.94, 72.83), lot('b', 18.9388, 72.8326), lot('c', 19, 72.9)],
      15,
    )
    // b lies lower and to the right of a, where the name of a would stand.
    expect([...pinsWithName(pins, 15)]).toEqual(['b', 'c'])
  })

  it('at one place stay together', () => {
    expect(canBeParted([lot('a', 18.94, 72.83), lot('b', 18.94, 72.83)])).toBe(false)
    expect(canBeParted([lot('a', 18.94, 72.83), lot('b', 18.941, 72.83)])).toBe(true)
  })

  it('are full, nearly full or free', () => {
    expect([pinStatus(0, 40), pinStatus(4, 40), pinStatus(5, 40)]).toEqual(['full', 'few', 'free'])
    expect(pinStatus(1, 2)).toBe('free')
  })
})
