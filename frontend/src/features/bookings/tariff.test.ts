import { describe, expect, it } from 'vitest'
import { costMinor, nextStep, stayParts, type Price } from './tariff'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function price(perHour: number, free = 0, increment = 1, cap: number | null = null): Price {
  return {
    price_per_hour_minor: perHour,
    tariff: { free_minutes: free, increment_minutes: increment, daily_cap_minor: cap },
  }
}

describe('the cost of a stay', () => {
  it.each([
    ['nothing has started yet', price(6_000), 0, 0],
    ['the first millisecond starts a minute', price(6_000), 1, 100],
    ['a whole minute is one minute', price(6_000), MINUTE, 100],
    ['a millisecond more starts the next', price(6_000), MINUTE + 1, 200],
    ['an hour is the price', price(6_000), HOUR, 6_000],
    ['a started quarter is charged whole', price(6_000, 0, 15), 16 * MINUTE, 3_000],
    ['an increment of a day', price(6_000, 0, 1_440), MINUTE, 144_000],
    ['the free minutes are free', price(6_000, 10), 10 * MINUTE, 0],
    ['past them the first minute is paid too', price(6_000, 10), 10 * MINUTE + 1, 1_100],
    ['a third of a minor unit rounds down', price(20), MINUTE, 0],
    ['half a minor unit rounds up', price(30), MINUTE, 1],
    ['it is rounded once, at the end', price(20), 3 * MINUTE, 1],
    ['free of charge', price(0), 3 * HOUR, 0],
    ['the cap limits a day', price(6_000, 0, 1, 20_000), 10 * HOUR, 20_000],
    ['just below the cap', price(6_000, 0, 1, 20_000), 199 * MINUTE, 19_900],
    ['exactly a day under the cap', price(6_000, 0, 1, 20_000), DAY, 20_000],
    ['the second day begins anew', price(6_000, 0, 1, 20_000), DAY + 1, 20_100],
    ['every day has its cap', price(6_000, 0, 1, 20_000), 3 * DAY, 60_000],
    ['each day is cut from the start', price(6_000, 0, 60, 20_000), DAY + 90 * MINUTE, 32_000],
    ['an increment that does not divide the day', price(60, 0, 7, 100_000), DAY, 1_442],
    ['two such days are priced one by one', price(60, 0, 7, 100_000), 2 * DAY, 2_884],
    ['without a cap they are one stretch', price(60, 0, 7), 2 * DAY, 2_884],
    ['one stretch has one last increment', price(60, 0, 11), 2 * DAY, 2_882],
    ['a cap of nothing', price(6_000, 0, 1, 0), 5 * DAY, 0],
    ['free minutes with a cap', price(6_000, 30, 30, 10_000), 31 * MINUTE, 6_000],
    ['large amounts stay exact', price(100_000_000), 365 * DAY, 876_000_000_000],
    ['a clock that runs behind', price(6_000), -5_000, 0],
  ])('%s', (_, of, elapsed, expected) => {
    expect(costMinor(of, elapsed)).toBe(expected)
  })

  it('adds up from its parts', () => {
    const parts = stayParts(price(6_000, 0, 60, 20_000), DAY + 90 * MINUTE)
    expect(parts).toEqual([
      { minutes: 1_440, chargedMinutes: 1_440, capped: true, amountMinor: 20_000 },
      { minutes: 90, chargedMinutes: 120, capped: false, amountMinor: 12_000 },
    ])
  })

  it('has no parts while it is free', () => {
    expect(stayParts(price(6_000, 10), 5 * MINUTE)).toEqual([])
  })
})

describe('the next step', () => {
  it.each([
    [
      'at the next minute',
      price(6_000),
      90_000,
      { kind: 'step', atMs: 2 * MINUTE, costMinor: 300 },
    ],
    [
      'at the next quarter',
      price(6_000, 0, 15),
      1,
      { kind: 'step', atMs: 15 * MINUTE, costMinor: 3_000 },
    ],
    [
      'after the free minutes',
      price(6_000, 10),
      1,
      { kind: 'free_until', atMs: 10 * MINUTE, costMinor: 1_100 },
    ],
    [
      'when the day ends under a cap',
      price(6_000, 0, 60, 20_000),
      10 * HOUR,
      { kind: 'capped_until', atMs: DAY, costMinor: 26_000 },
    ],
    ['never when it is free', price(0), HOUR, null],
    ['never under a cap of nothing', price(6_000, 0, 1, 0), HOUR, null],
    [
      'when a small price rounds up at last',
      price(20),
      1,
      { kind: 'step', atMs: MINUTE, costMinor: 1 },
    ],
  ])('%s', (_, of, elapsed, expected) => {
    expect(nextStep(of, elapsed)).toEqual(expected)
  })

  it('is where the cost really rises, and not before', () => {
    for (const of of [price(777, 3, 7, 5_000), price(50, 0, 1), price(12_345, 0, 45, 40_000)]) {
      for (let elapsed = 1; elapsed < 3 * DAY; elapsed += 17 * MINUTE + 333) {
        const next = nextStep(of, elapsed)
        if (!next) continue
        expect(costMinor(of, next.atMs)).toBe(costMinor(of, elapsed))
        expect(costMinor(of, next.atMs + 1)).toBe(next.costMinor)
        expect(next.costMinor).toBeGreaterThan(costMinor(of, elapsed))
      }
    }
  })
})
