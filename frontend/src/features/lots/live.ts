// Live figures: what the event stream says is written into the caches of lots.
import type { InfiniteData, QueryClient } from '@tanstack/vue-query'
import { computed, readonly, shallowRef } from 'vue'
import { keys } from '@/api/query'
import { noteReached, offline } from '@/api/reach'
import type { Booking, Lot, Page } from '@/api/types'
import { EventStream, type LiveState, type LotFigures } from './event-stream'

type LotList = InfiniteData<Page<Lot>> | Page<Lot>

function patchLot(lot: Lot, changes: ReadonlyMap<string, LotFigures>): Lot {
  const change = changes.get(lot.id)
  if (!change) return lot
  if (lot.free_spots === change.free_spots && lot.number_of_spots === change.number_of_spots) {
    return lot
  }
  return { ...lot, free_spots: change.free_spots, number_of_spots: change.number_of_spots }
}

function patchPage(page: Page<Lot>, changes: ReadonlyMap<string, LotFigures>): Page<Lot> {
  const items = page.items.map((lot) => patchLot(lot, changes))
  return items.some((lot, index) => lot !== page.items[index]) ? { ...page, items } : page
}

/** What did not change keeps its identity, so only the cards that did are drawn again. */
export function patchList(list: LotList, changes: ReadonlyMap<string, LotFigures>): LotList {
  if (!('pages' in list)) return patchPage(list, changes)
  const pages = list.pages.map((page) => patchPage(page, changes))
  return pages.some((page, index) => page !== list.pages[index]) ? { ...list, pages } : list
}

function lotIds(list: LotList): string[] {
  const pages = 'pages' in list ? list.pages : [list]
  return pages.flatMap((page) => page.items.map((lot) => lot.id))
}

function isComplete(list: LotList): boolean {
  return !('pages' in list ? list.pages.at(-1) : list)?.next_cursor
}

export function applyFigures(client: QueryClient, changes: ReadonlyMap<string, LotFigures>): void {
  for (const [key, list] of client.getQueriesData<LotList>({ queryKey: ['lots', 'list'] })) {
    if (!list) continue
    client.setQueryData<LotList>(key, patchList(list, changes))
    // A lot we have never seen, and a list that shows all there are: it is new.
    const known = new Set(lotIds(list))
    const filtered = Object.values((key[2] ?? {}) as object).some(Boolean)
    if (!filtered && isComplete(list) && [...changes.keys()].some((id) => !known.has(id))) {
      void client.invalidateQueries({ queryKey: key, exact: true })
    }
  }
  for (const id of changes.keys()) {
    client.setQueryData<Lot>(keys.lot(id), (lot) => lot && patchLot(lot, changes))
  }
}

/** Runs at once, then at most once per `intervalMs`, always once after the last call. */
export function throttled(intervalMs: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null
  let again = false
  const run = () => {
    again = false
    work()
    timer = setTimeout(() => {
      timer = null
      if (again) run()
    }, intervalMs)
  }
  return () => {
    if (timer) again = true
    else run()
  }
}

const SPOTS_INTERVAL_MS = 1_000
const BOOKINGS_INTERVAL_MS = 5_000
const OVERVIEW_INTERVAL_MS = 10_000

const state = shallowRef<LiveState>('connecting')
export const liveState = readonly(state)
/** What is shown may not be true any more. */
export const figuresStale = computed(() => offline.value || state.value === 'reconnecting')

export function startLive(client: QueryClient): () => void {
  let scheduled = false
  const changes = new Map<string, LotFigures>()
  const refetchSpots = new Map<string, () => void>()

  const refetchOpenBookings = throttled(BOOKINGS_INTERVAL_MS, () => {
    void client.invalidateQueries({ queryKey: keys.openBookings })
  })

  const refetchOverview = throttled(OVERVIEW_INTERVAL_MS, () => {
    void client.invalidateQueries({ queryKey: keys.adminOverview })
  })

  function spotsOf(lotId: string): () => void {
    let refetch = refetchSpots.get(lotId)
    if (!refetch) {
      refetch = throttled(SPOTS_INTERVAL_MS, () => {
        void client.invalidateQueries({ queryKey: keys.spots(lotId) })
        void client.invalidateQueries({ queryKey: keys.adminSpots(lotId) })
      })
      refetchSpots.set(lotId, refetch)
    }
    return refetch
  }

  /** The operator may have released my booking: a spot came free in a lot where I am parked. */
  function noticeRelease(): void {
    const open = client.getQueryData<Page<Booking>>(keys.openBookings)?.items
    if (open?.some((booking) => changes.has(booking.lot.id))) refetchOpenBookings()
  }

  function flush(): void {
    scheduled = false
    const batch = new Map(changes)
    noticeRelease()
    changes.clear()
    applyFigures(client, batch)
    if (client.getQueryState(keys.adminOverview)) refetchOverview()
    for (const lotId of batch.keys()) {
      const shown =
        client.getQueryState(keys.spots(lotId)) ?? client.getQueryState(keys.adminSpots(lotId))
      if (shown) spotsOf(lotId)()
    }
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    // A hidden tab draws no frames.
    if (document.hidden) setTimeout(flush, 100)
    else requestAnimationFrame(flush)
  }

  function readAnew(): void {
    for (const root of ['lots', 'spots', 'bookings']) {
      void client.invalidateQueries({ queryKey: [root] })
    }
    void client.invalidateQueries({ queryKey: ['admin', 'spots'] })
    void client.invalidateQueries({ queryKey: keys.adminOverview })
  }

  const stream = new EventStream(
    {
      open: () => new EventSource('/api/events'),
      channel: 'BroadcastChannel' in globalThis ? new BroadcastChannel('parking:events') : null,
      // Missing on plain http outside of loopback.
      locks: (navigator.locks as LockManager | undefined) ?? null,
    },
    {
      state(now) {
        state.value = now
        if (now === 'live') noteReached()
      },
      lot(figures) {
        changes.set(figures.id, figures)
        schedule()
      },
      missed: readAnew,
    },
  )
  const look = () => (document.hidden ? stream.hide() : stream.show())
  const cut = () => stream.offline()
  const restored = () => stream.online()
  document.addEventListener('visibilitychange', look)
  window.addEventListener('offline', cut)
  window.addEventListener('online', restored)
  look()

  return () => {
    stream.stop()
    document.removeEventListener('visibilitychange', look)
    window.removeEventListener('offline', cut)
    window.removeEventListener('online', restored)
  }
}
