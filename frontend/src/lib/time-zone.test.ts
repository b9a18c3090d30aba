import { expect, it } from 'vitest'
import { ownTimeZone, timeZones } from './time-zone'

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
