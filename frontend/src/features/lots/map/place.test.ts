import { CRS, latLng } from 'leaflet'
import { describe, expect, it } from 'vitest'
import {
  degreesText,
  distanceMetres,
  nearText,
  parseNear,
  parseZoom,
  placeOf,
  project,
  worldPx,
} from './place'

const MUMBAI = { latitude: 18.9398, longitude: 72.8355 }
const PUNE = { latitude: 18.5289, longitude: 73.8744 }

describe('a place', () => {
  it('lies on the square world where tiles have it', () => {
    expect(project({ latitude: 0, longitude: 0 })).toEqual({ x: 0.5, y: 0.5 })
    for (const { latitude, longitude } of [MUMBAI, PUNE, { latitude: -90, longitude: 180 }]) {
      const { x, y } = CRS.EPSG3857.latLngToPoint(latLng(latitude, longitude), 11)
      const own = project({ latitude, longitude })
      expect(own.x * worldPx(11)).toBeCloseTo(x, 4)
      expect(own.y * worldPx(11)).toBeCloseTo(y, 1)
    }
  })

  it('is as far from another as the crow flies', () => {
    expect(distanceMetres(MUMBAI, MUMBAI)).toBe(0)
    expect(Math.round(distanceMetres(MUMBAI, PUNE) / 1_000)).toBe(119)
  })

  it('is read from an address only if it is on the earth', () => {
    expect(parseNear(nearText(MUMBAI))).toEqual(MUMBAI)
    expect(parseNear('-33.9,18.4')).toEqual({ latitude: -33.9, longitude: 18.4 })
    for (const text of ['', ',', '91,0', '0,181', '1', 'a,b', '1,2,3', '1, 2', '1e1,2']) {
      expect(parseNear(text), text).toBeNull()
    }
  })

  it('is told to ten metres, and picked to one', () => {
    expect(nearText({ latitude: 18.939_812, longitude: -0.000_04 })).toBe('18.9398,-0.0000')
    expect(degreesText(72.835_512_345)).toBe('72.83551')
    expect(degreesText(72.5)).toBe('72.5')
  })

  it('is one only with both degrees', () => {
    expect(placeOf({ latitude: 0, longitude: 0 })).toEqual({ latitude: 0, longitude: 0 })
    expect(placeOf({ latitude: 1, longitude: null })).toBeNull()
    expect(placeOf({})).toBeNull()
  })

  it('is looked at from no nearer than there is a map', () => {
    expect(parseZoom('13')).toBe(13)
    expect(parseZoom('0')).toBe(2)
    for (const text of ['', '99', '-1', '1.5', 'x']) expect(parseZoom(text), text).toBeNull()
  })
})
