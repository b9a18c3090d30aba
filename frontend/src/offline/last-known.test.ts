import { QueryClient, type InfiniteData } from '@tanstack/vue-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keys } from '@/api/query'
import type { Booking, Lot, Page } from '@/api/types'
import { ALL_LOTS } from '@/features/lots/queries'
import { LastKnownKeeper } from './last-known'

const page = (...ids: string[]): Page<Booking> => ({
  items: ids.map((id) => ({ id }) as Booking),
  next_cursor: null,
})
const list = (...ids: string[]): InfiniteData<Page<Lot>> => ({
  pages: [{ items: ids.map((id) => ({ id, name: id }) as Lot), next_cursor: null }],
  pageParams: [''],
})
const NOON = Date.parse('2026-11-22T12:00:00Z')

/** A visit to this device: what is kept is there in the next one. */
function visit() {
  const client = new QueryClient()
  const keeper = new LastKnownKeeper(client)
  const bookings = () => client.getQueryData<Page<Booking>>(keys.openBookings)?.items
  const lots = () => client.getQueryData<InfiniteData<Page<Lot>>>(ALL_LOTS)?.pages[0]?.items
  const ids = (items: { id: string }[] | undefined) => items?.map(({ id }) => id)
  return {
    client,
    keeper,
    bookings: () => ids(bookings()),
    lots: () => ids(lots()),
    end: () => window.dispatchEvent(new Event('pagehide')),
  }
}

beforeEach(() => vi.useFakeTimers({ now: NOON }))
afterEach(() => vi.useRealTimers())

describe('what the device last knew', () => {
  it('is shown in the next visit, with its age', () => {
    const first = visit()
    first.keeper.owner('ravi')
    first.client.setQueryData(keys.openBookings, page('b1'))
    first.client.setQueryData(keys.lotList({ q: 'pune', near: '' }), list('l1', 'l2'))
    first.end()

    vi.setSystemTime(NOON + 3_600_000)
    const second = visit()
    expect(second.bookings()).toBeUndefined()
    second.keeper.owner('ravi')
    expect(second.bookings()).toEqual(['b1'])
    expect(second.client.getQueryState(keys.openBookings)?.dataUpdatedAt).toBe(NOON)
    expect(second.lots()).toBeUndefined()
    second.keeper.showLots()
    expect(second.lots()).toEqual(['l1', 'l2'])
    expect(second.client.getQueryState(ALL_LOTS)?.dataUpdatedAt).toBe(NOON)
  })

  it('keeps its age while nothing new is known', () => {
    const first = visit()
    first.keeper.owner('ravi')
    first.client.setQueryData(keys.openBookings, page('b1'))
    first.end()
    for (const hours of [1, 2]) {
      vi.setSystemTime(NOON + hours * 3_600_000)
      const later = visit()
      later.keeper.owner('ravi')
      later.end()
      expect(later.client.getQueryState(keys.openBookings)?.dataUpdatedAt).toBe(NOON)
    }
  })

  it('gives way to what was read since', () => {
    const first = visit()
    first.keeper.owner('ravi')
    first.client.setQueryData(keys.openBookings, page('b1'))
    first.end()
    const second = visit()
    second.client.setQueryData(keys.openBookings, page('b2'))
    second.client.setQueryData(ALL_LOTS, list('now'))
    second.keeper.owner('ravi')
    second.keeper.showLots()
    expect([second.bookings(), second.lots()]).toEqual([['b2'], ['now']])
  })

  it('is written now and then, not with every change', () => {
    const set = vi.spyOn(localStorage, 'setItem')
    const { client, keeper } = visit()
    keeper.owner('ravi')
    for (let n = 0; n < 50; n += 1) client.setQueryData(ALL_LOTS, list(`l${n}`))
    expect(set).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2_000)
    expect(set).toHaveBeenCalledTimes(1)
  })

  it('is forgotten at the sign-out, and when somebody else signs in', () => {
    for (const forget of ['sign-out', 'another']) {
      const first = visit()
      first.keeper.owner('ravi')
      first.client.setQueryData(keys.openBookings, page('b1'))
      first.client.setQueryData(ALL_LOTS, list('l1'))
      if (forget === 'sign-out') first.keeper.forget()
      first.end()
      const second = visit()
      second.keeper.owner('asha')
      second.keeper.showLots()
      expect([second.bookings(), second.lots()]).toEqual([undefined, undefined])
      second.end()
    }
  })

  it('is small', () => {
    const { client, keeper, end } = visit()
    keeper.owner('ravi')
    client.setQueryData(ALL_LOTS, list(...Array.from({ length: 500 }, (_, n) => `l${n}`)))
    client.setQueryData(keys.openBookings, page(...Array.from({ length: 90 }, (_, n) => `b${n}`)))
    end()
    const kept = JSON.parse(localStorage.getItem('parking:last-known') ?? '{}') as {
      lots: { data: unknown[] }
      bookings: { data: unknown[] }
    }
    expect([kept.lots.data.length, kept.bookings.data.length]).toEqual([30, 10])
  })

  it('of another version is not read', () => {
    const first = visit()
    first.client.setQueryData(ALL_LOTS, list('l1'))
    first.end()
    const kept = localStorage.getItem('parking:last-known') ?? ''
    localStorage.setItem('parking:last-known', kept.replace('"version":1', '"version":0'))
    const second = visit()
    second.keeper.showLots()
    expect(second.lots()).toBeUndefined()
  })
})
