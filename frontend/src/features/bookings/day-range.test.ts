import { expect, it } from 'vitest'
import { endOfDay, startOfDay } from './day-range'

it('a day lasts from its first instant to the first of the next', () => {
  expect(startOfDay('2026-11-22')).toBe(new Date(2026, 10, 22).toISOString())
  expect(endOfDay('2026-11-30')).toBe(new Date(2026, 11, 1).toISOString())
})

it('what is no day is no limit', () => {
  expect(startOfDay('')).toBe('')
  expect(endOfDay('yesterday')).toBe('')
})
