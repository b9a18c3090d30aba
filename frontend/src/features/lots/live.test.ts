import { hashKey, QueryClient, type InfiniteData } from '@tanstack/vue-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keys } from '@/api/query'
import type { Lot, Page } from '@/api/types'
import { FakeSource } from './event-stream.fake'
import { applyFigures, liveState, startLive, throttled } from './live'

function lot(id: string, free = 5): Lot {
  return {
    id,
    name: id,
    address: null,
    city: null,
    pin_code: null,
    latitude: null,
    longitude: null,
    time_zone: 'Asia/Kolkata',
    price_per_hour_minor: 6_000,
    currency: 'INR',
    tariff: { free_minutes: 0, increment_minutes: 1, daily_cap_minor: null },
    number_of_spots: 10,
    free_spots: free,
    created_at: '2026-11-22T00:00:00Z',
    updated_at: '2026-11-22T00:00:00Z',
  }
}
type List = InfiniteData<Page<Lot>>
const list = (lots: Lot[], next: string | null = null): List => ({
  pages: [{ items: lots, next_cursor: next }],
  pageParams: [''],
})
const changes = (id: string, free: number) =>
  new Map([[id, { id, free_spots: free, number_of_spots: 10 }]])

describe('live figures', () => {
  it('go into lists and details, and leave the rest as it is', () => {
    const client = new QueryClient()
    const key = keys.lotList({ q: '' })
    const before = list([lot('a'), lot('b')])
    client.setQueryData(key, before)
    client.setQueryData(keys.lot('a'), lot('a'))
    applyFigures(client, changes('a', 2))
    const after = client.getQueryData<List>(key)
    expect(after?.pages[0]?.items.map((item) => item.free_spots)).toEqual([2, 5])
    expect(after?.pages[0]?.items[1]).toBe(before.pages[0]?.items[1])
    expect(client.getQueryData<Lot>(keys.lot('a'))?.free_spots).toBe(2)
  })

  it('change nothing when they say nothing new', () => {
    const client = new QueryClient()
    const key = keys.lotList({})
    const before = list([lot('a')])
    client.setQueryData(key, before)
    applyFigures(client, changes('a', 5))
    expect(client.getQueryData(key)).toBe(before)
  })

  it('make a whole list read anew when they tell of a new lot', () => {
    const client = new QueryClient()
    const [whole, partial, filtered] = [{ q: '' }, { q: '', near: '1,2' }, { q: 'x' }].map(
      (filter) => keys.lotList(filter),
    )
    if (!whole || !partial || !filtered) throw new Error('three keys')
    client.setQueryData(whole, list([lot('a')]))
    client.setQueryData(partial, list([lot('a')], 'more'))
    client.setQueryData(filtered, list([lot('a')]))
    applyFigures(client, changes('new', 10))
    expect(client.getQueryState(whole)?.isInvalidated).toBe(true)
    expect(client.getQueryState(partial)?.isInvalidated).toBe(false)
    expect(client.getQueryState(filtered)?.isInvalidated).toBe(false)
  })
})

describe('a throttled call', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('runs at once, then once per interval, and not after the last', () => {
    const work = vi.fn()
    const call = throttled(1_000, work)
    call()
    expect(work).toHaveBeenCalledTimes(1)
    for (let n = 0; n < 10; n += 1) call()
    expect(work).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1_000)
    expect(work).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(5_000)
    expect(work).toHaveBeenCalledTimes(2)
  })
})

describe('what the event stream says', () => {
  let stop: () => void = () => undefined
  const last = () => {
    const source = FakeSource.opened.at(-1)
    if (!source) throw new Error('no stream')
    return source
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'requestAnimationFrame'] })
    FakeSource.opened = []
    vi.stubGlobal('EventSource', FakeSource)
  })
  afterEach(() => {
    stop()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('shows with the next frame', () => {
    const client = new QueryClient()
    client.setQueryData(keys.lot('a'), lot('a'))
    stop = startLive(client)
    last().say('open')
    expect(liveState.value).toBe('live')
    last().say('lot', { id: 'a', free_spots: 3, number_of_spots: 10 })
    last().say('lot', { id: 'a', free_spots: 2, number_of_spots: 10 })
    vi.advanceTimersByTime(100)
    expect(client.getQueryData<Lot>(keys.lot('a'))?.free_spots).toBe(2)
  })

  it('says when it is interrupted, and reads anew when it is back', () => {
    const client = new QueryClient()
    client.setQueryData(keys.lot('a'), lot('a'))
    stop = startLive(client)
    last().say('open')
    last().say('error')
    expect(liveState.value).toBe('reconnecting')
    last().say('open')
    expect(liveState.value).toBe('live')
    expect(client.getQueryState(keys.lot('a'))?.isInvalidated).toBe(true)
  })

  it.each([
    ['the spots of a lot', keys.spots('a'), 1_000],
    ['the overview', keys.adminOverview, 10_000],
  ])('reads %s anew while it is shown, at most once in a while', (_, key, interval) => {
    const client = new QueryClient()
    const invalidate = vi.spyOn(client, 'invalidateQueries')
    stop = startLive(client)
    last().say('open')
    const reads = () =>
      invalidate.mock.calls.filter(
        ([filter]) =>
          filter && 'queryKey' in filter && hashKey(filter.queryKey ?? []) === hashKey(key),
      ).length
    const changes = () => {
      for (let free = 5; free > 0; free -= 1) {
        last().say('lot', { id: 'a', free_spots: free, number_of_spots: 10 })
        vi.advanceTimersByTime(100)
      }
    }
    changes()
    expect(reads()).toBe(0)
    client.setQueryData(key, [])
    changes()
    expect(reads()).toBe(1)
    vi.advanceTimersByTime(interval)
    expect(reads()).toBe(2)
  })
})
