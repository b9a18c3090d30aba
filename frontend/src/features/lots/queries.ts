// Reads of lots and spots. A component that needs one calls it; the cache sees to it that it is fetched once.
import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'
import { offline } from '@/api/reach'
import type { AdminSpot, Lot, Page, Spot } from '@/api/types'

export interface LotFilter {
  q?: string
  near?: string
}

/** The same in early.js. */
const PAGE_LENGTH = 20
export type LotList = InfiniteData<Page<Lot>>
/** Of the page that opens first. */
export const ALL_LOTS = keys.lotList({ q: '', near: '' })

/** Full lots come last within their page, decided when it is read: a card must not jump away under a finger. */
export function fullLast(lots: readonly Lot[]): Lot[] {
  return [
    ...lots.filter((lot) => lot.free_spots > 0),
    ...lots.filter((lot) => lot.free_spots === 0),
  ]
}

async function readLots(
  filter: LotFilter,
  cursor: string,
  signal: AbortSignal,
  limit = PAGE_LENGTH,
): Promise<Page<Lot>> {
  const query = {
    q: filter.q === '' ? undefined : filter.q,
    near: filter.near === '' ? undefined : filter.near,
    cursor: cursor === '' ? undefined : cursor,
    limit,
  }
  return unwrap(api.GET('/api/lots', { params: { query }, signal }))
}

/** What drivers see. */
export function useLotList(filter: MaybeRefOrGetter<LotFilter>) {
  return useInfiniteQuery({
    queryKey: computed(() => keys.lotList(toValue(filter))),
    queryFn: async ({ pageParam, signal }) => {
      const page = await readLots(toValue(filter), pageParam, signal)
      return { ...page, items: fullLast(page.items) }
    },
    initialPageParam: '',
    getNextPageParam: (page: Page<Lot>) => page.next_cursor,
  })
}

/** What this device saw last, searched here, for when a search cannot be asked. */
export function useLastSeenLots(q: MaybeRefOrGetter<string>) {
  const client = useQueryClient()
  return computed(() => {
    if (!offline.value) return []
    const list = client.getQueryData<InfiniteData<Page<Lot>>>(ALL_LOTS)
    const words = toValue(q).toLowerCase().split(/\s+/)
    return (list?.pages.flatMap((page) => page.items) ?? []).filter((lot) => {
      const text = [lot.name, lot.address, lot.city, lot.pin_code].join(' ').toLowerCase()
      return words.every((word) => text.includes(word))
    })
  })
}

const LONG_PAGE_LENGTH = 100

/** What operators see: long pages in the server's order. */
export function useAdminLotList(q: MaybeRefOrGetter<string>) {
  return useInfiniteQuery({
    queryKey: computed(() => keys.lotList({ q: toValue(q) }, 'admin')),
    queryFn: ({ pageParam, signal }) =>
      readLots({ q: toValue(q) }, pageParam, signal, LONG_PAGE_LENGTH),
    initialPageParam: '',
    getNextPageParam: (page: Page<Lot>) => page.next_cursor,
  })
}

/** More than a map shows apart, and few enough for a phone. */
const AROUND_PAGES_MAX = 10

export interface AroundFilter extends Required<LotFilter> {
  /** How far from `near` the map reaches, in metres. */
  reach: number
}

/** What a map shows: the lots around a place as far as it reaches; without a place only the first page. */
export function useLotsAround(filter: MaybeRefOrGetter<AroundFilter>) {
  return useQuery({
    queryKey: computed(() => keys.lotList(toValue(filter), 'map')),
    queryFn: async ({ signal }): Promise<Page<Lot>> => {
      const { reach, ...asked } = toValue(filter)
      const items: Lot[] = []
      let cursor: string | null | undefined = ''
      for (let pages = 0; cursor != null && pages < AROUND_PAGES_MAX; pages += 1) {
        const page: Page<Lot> = await readLots(asked, cursor, signal, LONG_PAGE_LENGTH)
        items.push(...page.items)
        cursor = page.next_cursor
        if (asked.near === '' || (page.items.at(-1)?.distance_m ?? Infinity) > reach) break
      }
      return { items, next_cursor: cursor }
    },
    // Around a place only once it is known how far the map looks.
    enabled: computed(() => toValue(filter).near === '' || toValue(filter).reach > 0),
    placeholderData: keepPreviousData,
  })
}

export function useLot(id: MaybeRefOrGetter<string>) {
  const client = useQueryClient()

  function fromLists(): { lot: Lot; at: number } | undefined {
    const lists = client.getQueryCache().findAll({ queryKey: ['lots', 'list'] })
    for (const { state } of lists) {
      const data = state.data as InfiniteData<Page<Lot>> | Page<Lot> | undefined
      const pages = data ? ('pages' in data ? data.pages : [data]) : []
      const lot = pages.flatMap((page) => page.items).find((item) => item.id === toValue(id))
      if (lot) return { lot, at: state.dataUpdatedAt }
    }
    return undefined
  }

  return useQuery({
    queryKey: computed(() => keys.lot(toValue(id))),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/lots/{id}', { params: { path: { id: toValue(id) } }, signal })),
    initialData: () => fromLists()?.lot,
    initialDataUpdatedAt: () => fromLists()?.at,
    enabled: computed(() => toValue(id) !== ''),
  })
}

export function useSpots(lotId: MaybeRefOrGetter<string>, enabled: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: computed(() => keys.spots(toValue(lotId))),
    queryFn: async ({ signal }): Promise<Spot[]> => {
      const params = { path: { id: toValue(lotId) } }
      return (await unwrap(api.GET('/api/lots/{id}/spots', { params, signal }))).items
    },
    enabled: computed(() => toValue(enabled)),
    shallow: true,
  })
}

export function useAdminSpots(lotId: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.adminSpots(toValue(lotId))),
    queryFn: async ({ signal }): Promise<AdminSpot[]> => {
      const params = { path: { id: toValue(lotId) } }
      return (await unwrap(api.GET('/api/admin/lots/{id}/spots', { params, signal }))).items
    },
    shallow: true,
  })
}

export function useSetup() {
  return useQuery({
    queryKey: keys.setup,
    queryFn: ({ signal }) => unwrap(api.GET('/api/setup', { signal })),
    staleTime: Infinity,
  })
}

/** The next lot to try when this one is full: the nearest with a free spot, or any. */
export async function findAlternative(full: Lot): Promise<Lot | null> {
  const near =
    full.latitude != null && full.longitude != null ? `${full.latitude},${full.longitude}` : ''
  const page = await readLots({ near }, '', new AbortController().signal)
  return page.items.find((lot) => lot.free_spots > 0 && lot.id !== full.id) ?? null
}
