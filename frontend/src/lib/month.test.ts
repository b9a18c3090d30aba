import { expect, it } from 'vitest'
import { addMonths, isMonth, monthOf } from './month'

it('months follow each other across the year', () => {
  expect(monthOf(new Date(2026, 0, 31))).toBe('2026-01')
  expect(addMonths('2026-12', 1)).toBe('2027-01')
  expect(addMonths('2027-01', -1)).toBe('2026-12')
})

it.each([
  ['2026-11', '2026-10'],
  ['2026-10', '2026-09'],
  ['2027-01', '2026-12'],
])('before %s comes %s', (month, before) => {
  expect(addMonths(month, -1)).toBe(before)
})

it('what is no month is told apart', () => {
  expect(isMonth('2026-10')).toBe(true)
  expect(['', '2026', '2026-13', '2026-1', '2026-10-01', 'october'].some(isMonth)).toBe(false)
})
