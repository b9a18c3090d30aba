import { describe, expect, it } from 'vitest'
import { busiestHour, changeOf, revenueChange, rounded } from './compare'

describe('a month beside the one before', () => {
  it.each([
    [150, 100, 'more', 0.5],
    [50, 100, 'less', 0.5],
    [100, 100, 'same', 0],
    [1_001, 1_000, 'same', 0],
    [5, 0, 'new', 0],
    [0, 0, 'same', 0],
    [0, 5, 'less', 1],
  ])('%i after %i is %s', (now, before, kind, part) => {
    expect(changeOf(now, before)).toEqual({ kind, part })
  })

  it('compares amounts of one currency only', () => {
    const rupees = { currency: 'INR', amount_minor: 200 }
    const dollars = { currency: 'USD', amount_minor: 200 }
    expect(revenueChange([rupees], [{ ...rupees, amount_minor: 100 }])).toEqual({
      kind: 'more',
      part: 1,
    })
    expect(revenueChange([rupees], [])?.kind).toBe('new')
    expect(revenueChange([], [])?.kind).toBe('same')
    expect(revenueChange([rupees], [dollars])).toBeNull()
    expect(revenueChange([rupees, dollars], [rupees])).toBeNull()
  })
})

it('a small average is not rounded away', () => {
  expect([36.84, 1.26, 0.0645, 0].map(rounded)).toEqual([36.8, 1.3, 0.06, 0])
})

it('the busiest hour has the most vehicles, and there is none in an empty month', () => {
  const hour = (n: number, parked: number) => ({ hour: n, parked, bookings_started: 0 })
  expect(busiestHour([hour(0, 1), hour(1, 3.5), hour(2, 3.5)])?.hour).toBe(1)
  expect(busiestHour([hour(0, 0), hour(1, 0)])).toBeNull()
  expect(busiestHour([])).toBeNull()
})
