import { describe, expect, it } from 'vitest'
import type { Attention, DayStats, LotStats, Overview } from '@/api/types'
import { amountIn, currenciesOf, sum } from './amounts'
import { isKnown, LOOKS } from './attention'
import { bucketsOf } from './buckets'
import { orderAfterClick, orderLots, orderText, parseOrder } from './lot-order'
import { fullHourWithin, liveCounts } from './overview'
import { wholeMonths } from './own'

const inr = (amount_minor: number) => ({ currency: 'INR', amount_minor })
const usd = (amount_minor: number) => ({ currency: 'USD', amount_minor })

describe('amounts', () => {
  it('add up by currency, the largest first', () => {
    const all = [[inr(100), usd(5)], [inr(50)], []]
    expect(sum(all)).toEqual([inr(150), usd(5)])
    expect(currenciesOf([[usd(5)], [inr(100)]])).toEqual(['INR', 'USD'])
    expect(amountIn([usd(5)], 'INR')).toBe(0)
  })
})

function day(name: string, more: Partial<DayStats> = {}): DayStats {
  return {
    day: name,
    bookings_started: 2,
    bookings_released: 1,
    revenue: [inr(100)],
    parked_average: 10,
    parked_peak: 20,
    occupancy: 0.5,
    ...more,
  }
}

describe('the days of a period', () => {
  const days = [
    day('2026-10-30'),
    day('2026-10-31', { parked_average: 20, parked_peak: 50, occupancy: 0.7 }),
    day('2026-11-01', { revenue: [usd(7)] }),
  ]

  it('are bars of their own, today still going on', () => {
    const buckets = bucketsOf(days, '2026-11-01', false)
    expect(buckets.map(({ key }) => key)).toEqual(['2026-10-30', '2026-10-31', '2026-11-01'])
    expect(buckets.map(({ unfinished }) => unfinished)).toEqual([false, false, true])
  })

  it('come together as months: sums, averages of averages, the highest peak', () => {
    const [october, november] = bucketsOf(days, '2026-11-01', true)
    expect(october).toMatchObject({
      key: '2026-10',
      days: 2,
      bookings: 4,
      revenue: [inr(200)],
      parkedAverage: 15,
      parkedPeak: 50,
      occupancy: 0.6,
      unfinished: false,
    })
    expect(november).toMatchObject({ revenue: [usd(7)], unfinished: true })
  })
})

describe('the counts of all lots', () => {
  const overview = { spots: 10, free: 4, occupied: 5, out_of_service: 1 } as Overview
  const page = (free_spots: number, next_cursor: string | null = null) => ({
    items: [
      { free_spots, number_of_spots: 6 },
      { free_spots: 1, number_of_spots: 5 },
    ],
    next_cursor,
  })

  it('are those of the lists that the event stream keeps', () => {
    expect(liveCounts(overview, [page(2)])).toEqual({
      spots: 11,
      free: 3,
      occupied: 7,
      out_of_service: 1,
    })
  })

  it('are those that were read while the lists are not whole', () => {
    expect(liveCounts(overview, undefined)).toEqual(overview)
    expect(liveCounts(overview, [page(2, 'more')])).toEqual(overview)
  })

  it('never tell of more out of service than are not free', () => {
    const all = { ...overview, out_of_service: 9 }
    expect(liveCounts(all, [page(6)])).toMatchObject({ occupied: 0, out_of_service: 4 })
  })
})

it.each([
  ['08:15', '09:15', 9],
  ['08:00', '09:00', 8],
  ['08:15', '08:30', null],
  ['08:45', '09:00', null],
])('the full hour from %s to %s is %s', (from, to, hour) => {
  const at = (time: string) => `2026-11-22T${time}:00Z`
  expect(fullHourWithin(at(from), at(to), 'UTC')).toBe(hour)
})

it('months without a stay are figures too', () => {
  const totals = { bookings: 1, minutes: 60, spend: [inr(60)] }
  const months = wholeMonths(
    [
      { month: '2026-08', ...totals },
      { month: '2026-10', ...totals },
    ],
    '2026-11',
  )
  expect(months.map(({ month, bookings }) => `${month} ${bookings}`)).toEqual([
    '2026-08 1',
    '2026-09 0',
    '2026-10 1',
    '2026-11 0',
  ])
  expect(wholeMonths([], '2026-11')).toEqual([])
})

describe('the order of lots', () => {
  const lot = (name: string, turnover: number, revenue: number, stay: number | null = 60) =>
    ({
      lot: { id: name, name },
      turnover,
      revenue: [inr(revenue)],
      average_stay_minutes: stay,
    }) as LotStats
  const lots = [lot('B', 1, 300), lot('A', 2, 300), lot('C', 0.5, 900, null)]
  const names = (text: string) =>
    orderLots(lots, parseOrder(text), 'INR').map(({ lot: { name } }) => name)

  it.each([
    ['', ['C', 'A', 'B']],
    ['revenue.up', ['A', 'B', 'C']],
    ['turnover', ['A', 'B', 'C']],
    ['stay.up', ['C', 'A', 'B']],
    ['name.up', ['A', 'B', 'C']],
    ['name', ['C', 'B', 'A']],
    ['nonsense', ['C', 'A', 'B']],
  ])('"%s" is %s', (text, expected) => {
    expect(names(text)).toEqual(expected)
  })

  it('a click on a head sorts by it, another turns it round', () => {
    const once = orderAfterClick(parseOrder(''), 'turnover')
    expect(orderText(once)).toBe('turnover')
    expect(orderText(orderAfterClick(once, 'turnover'))).toBe('turnover.up')
    expect(orderText(orderAfterClick(once, 'name'))).toBe('name.up')
  })
})

describe('what needs attention', () => {
  const link = (item: Attention) => LOOKS[item.kind].to(item)

  it('leads to where it is put right', () => {
    const lot = { id: 'l1', name: 'Central' }
    expect(link({ kind: 'lot_full', count: 1, lot })).toEqual({
      name: 'admin-lot',
      params: { id: 'l1' },
    })
    expect(link({ kind: 'lot_full', count: 3 })).toEqual({ name: 'admin-lots' })
    expect(link({ kind: 'long_stay', count: 1, booking_id: 'b1' })).toEqual({
      name: 'receipt',
      params: { id: 'b1' },
    })
    expect(link({ kind: 'long_stay', count: 2, booking_id: 'b1' })).toMatchObject({
      name: 'admin-bookings',
    })
    expect(link({ kind: 'task_failed', count: 1 })).toMatchObject({ query: { status: 'failed' } })
  })

  it('leaves out what we have no words for', () => {
    expect(isKnown({ kind: 'lot_full', count: 1 })).toBe(true)
    expect(isKnown({ kind: 'meteor' as Attention['kind'], count: 1 })).toBe(false)
  })
})
