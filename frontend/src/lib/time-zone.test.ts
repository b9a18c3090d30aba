import { describe, expect, it } from 'vitest'
import { knownZone, ownTimeZone, timeZones, wallClock } from './time-zone'

it('a zone is offered by the name it has now', () => {
  expect(timeZones()).toContain('Asia/Kolkata')
  expect(timeZones()).not.toContain('Asia/Calcutta')
})

it.each([
  ['Europe/Berlin', 'Asia/Kolkata', 'Europe/Berlin'],
  ['Europe/Berlin', undefined, 'Europe/Berlin'],
  ['Europe/Berlin', 'Europe/Berlin', undefined],
  ['Asia/Calcutta', 'Asia/Kolkata', undefined],
  ['Asia/Calcutta', 'UTC', 'Asia/Kolkata'],
  ['Etc/Unknown', 'UTC', undefined],
])('the zone of a device in %s, of an installation in %s, is %s', (own, installation, sent) => {
  expect(ownTimeZone(installation, own)).toBe(sent)
})

describe('the clock on a wall', () => {
  it('is that of its zone', () => {
    const at = '2026-11-22T20:15:00Z'
    expect(wallClock(at, 'Asia/Kolkata')).toEqual({ day: '2026-11-23', hour: 1 })
    expect(wallClock(at, 'America/New_York')).toEqual({ day: '2026-11-22', hour: 15 })
    expect(wallClock('2026-11-22T18:30:00Z', 'Asia/Kolkata')).toEqual({
      day: '2026-11-23',
      hour: 0,
    })
  })

  it('is that of this device where the zone is not known', () => {
    expect(knownZone('Mars/Olympus')).toBeUndefined()
    expect(wallClock('2026-11-22T20:15:00Z', 'Mars/Olympus').day).toMatch(/^2026-11-2[23]$/)
  })
})
