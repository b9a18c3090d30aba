import { describe, expect, it } from 'vitest'
import {
  addDays,
  byMonth,
  daysIn,
  monthsBetween,
  periodBefore,
  presetPeriod,
  problemOf,
} from './period'

const span = (from: string, to: string) => ({ from, to })

describe('a named period', () => {
  it.each([
    ['7d', '2026-11-17', '2026-11-23'],
    ['30d', '2026-10-25', '2026-11-23'],
    ['month', '2026-11-01', '2026-11-23'],
    ['last-month', '2026-10-01', '2026-10-31'],
    ['year', '2026-01-01', '2026-11-23'],
    ['12m', '2025-12-01', '2026-11-23'],
  ] as const)('%s goes from %s to %s', (preset, from, to) => {
    expect(presetPeriod(preset, '2026-11-23')).toEqual({ from, to })
  })

  it('knows the last day of February', () => {
    expect(presetPeriod('last-month', '2028-03-01')).toEqual(span('2028-02-01', '2028-02-29'))
  })
})

describe('a chosen period', () => {
  it.each([
    ['2026-10-01', '2026-10-31', null],
    ['2026-10-31', '2026-10-31', null],
    ['2026-10-31', '2026-10-01', 'order'],
    ['', '2026-10-01', 'incomplete'],
    ['2026-10-01', '2026-02-30', 'incomplete'],
    ['yesterday', '2026-10-01', 'incomplete'],
    ['2023-11-24', '2026-11-23', null],
    ['2023-11-23', '2026-11-23', 'long'],
  ])('from %s to %s: %s', (from, to, problem) => {
    expect(problemOf({ from, to })).toBe(problem)
  })

  it('is compared with as many days right before', () => {
    expect(periodBefore(span('2026-11-01', '2026-11-30'))).toEqual(span('2026-10-02', '2026-10-31'))
    expect(daysIn(span('2026-03-01', '2026-03-01'))).toBe(1)
  })

  it('is told by month when there are many days', () => {
    expect(byMonth(span('2026-09-01', '2026-11-30'))).toBe(false)
    expect(byMonth(span('2026-09-01', '2026-12-31'))).toBe(true)
  })
})

it('days and months go on over the end of a year', () => {
  expect(addDays('2026-12-31', 1)).toBe('2027-01-01')
  expect(monthsBetween('2026-11', '2027-02')).toEqual(['2026-11', '2026-12', '2027-01', '2027-02'])
  expect(monthsBetween('2026-11', '2026-11')).toEqual(['2026-11'])
})
