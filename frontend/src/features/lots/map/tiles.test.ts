import { describe, expect, it } from 'vitest'
import { directionsLink } from './directions'
import { attributionParts, tileUrl } from './tiles'

describe('the street map of an installation', () => {
  it('is named with its links, and nothing else of its markup', () => {
    expect(
      attributionParts('© <a href="https://osm.org/copyright" onclick="x()">OpenStreetMap</a>'),
    ).toEqual([
      { text: '© ', href: null },
      { text: 'OpenStreetMap', href: 'https://osm.org/copyright' },
    ])
    expect(attributionParts('<img src=x onerror=x()><a href="javascript:x()">Maps</a>')).toEqual([
      { text: 'Maps', href: null },
    ])
    expect(attributionParts('')).toEqual([])
  })

  it('has its tiles where the template says', () => {
    const at = { x: 1438, y: 913, z: 11 }
    expect(tileUrl('https://{s}.tiles.example/{z}/{x}/{y}{r}.png', at)).toBe(
      'https://a.tiles.example/11/1438/913.png',
    )
  })
})

describe('the way to a lot', () => {
  it('opens in what the device has for it', () => {
    const place = { latitude: 18.9398, longitude: 72.8355 }
    expect(directionsLink(place, 'Mozilla/5.0 (Linux; Android 15; Pixel)')).toBe(
      'geo:18.9398,72.8355?q=18.9398,72.8355',
    )
    expect(directionsLink(place, 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0)')).toBe(
      'https://maps.apple.com/?daddr=18.9398,72.8355',
    )
    expect(directionsLink(place, 'Mozilla/5.0 (X11; Linux x86_64)')).toBe(
      'https://www.openstreetmap.org/directions?to=18.9398%2C72.8355',
    )
  })
})
