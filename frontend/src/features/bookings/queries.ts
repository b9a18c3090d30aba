// Reads and changes of bookings.
import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
} from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { isProblem } from '@/api/problem'
import { keys } from '@/api/query'
import type { Booking, Page } from '@/api/types'
import { useSession } from '@/features/auth/session'

const OPEN_BOOKINGS_MAX = 100
const OPEN_BOOKINGS_REFETCH_MS = 60_000
const PAGE_LENGTH = 20
const NETWORK_RETRIES_MAX = 2

export function useOpenBookings() {
  const { signedIn } = useSession()
  return useQuery({
    queryKey: keys.openBookings,
    queryFn: ({ signal }): Promise<Page<Booking>> =>
      unwrap(
        api.GET('/api/bookings', {
          params: { query: { status: 'open', limit: OPEN_BOOKINGS_MAX } },
          signal,
        }),
      ),
    enabled: signedIn,
    refetchInterval: OPEN_BOOKINGS_REFETCH_MS,
  })
}

export interface HistoryFilter {
  status: string
  from: string
  to: string
}

export function useBookingList(filter: MaybeRefOrGetter<HistoryFilter>) {
  return useInfiniteQuery({
    queryKey: computed(() => keys.bookingList(toValue(filter))),
    queryFn: ({ pageParam, signal }): Promise<Page<Booking>> => {
      const { status, from, to } = toValue(filter)
      const query = {
        status:
          status === 'open' || status === 'closed' ? (status as 'open' | 'closed') : undefined,
        from: from === '' ? undefined : from,
        to: to === '' ? undefined : to,
        cursor: pageParam === '' ? undefined : pageParam,
        limit: PAGE_LENGTH,
      }
      return unwrap(api.GET('/api/bookings', { params: { query }, signal }))
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
  })
}

export function useBooking(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.booking(toValue(id))),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/bookings/{id}', { params: { path: { id: toValue(id) } }, signal })),
    enabled: computed(() => toValue(id) !== ''),
  })
}

export function useQuote(lotId: MaybeRefOrGetter<string>, minutes: MaybeRefOrGetter<number>) {
  return useQuery({
    queryKey: computed(() => keys.quote(toValue(lotId), toValue(minutes))),
    queryFn: ({ signal }) => {
      const params = { path: { id: toValue(lotId) }, query: { minutes: toValue(minutes) } }
      return unwrap(api.GET('/api/lots/{id}/quote', { params, signal }))
    },
  })
}

/** The same tap is tried again with the same key when the network fails: the server books once. */
const retryTap = (count: number, error: unknown) =>
  count < NETWORK_RETRIES_MAX && isProblem(error, 'network', 'idempotency_key_in_flight')

interface Tap {
  key: string
}

export interface ParkTap extends Tap {
  lotId: string
  plate: string | null
}

export function useStartParking() {
  const client = useQueryClient()
  return useMutation({
    retry: retryTap,
    mutationFn: ({ lotId, plate, key }: ParkTap) =>
      unwrap(
        api.POST('/api/bookings', {
          params: { header: { 'Idempotency-Key': key } },
          body: { lot_id: lotId, vehicle_plate: plate },
        }),
      ),
    onSuccess: (booking) => {
      client.setQueryData<Page<Booking>>(keys.openBookings, (old) => ({
        next_cursor: null,
        items: [booking, ...(old?.items ?? []).filter((other) => other.id !== booking.id)],
      }))
      void client.invalidateQueries({ queryKey: keys.bookings })
      void client.invalidateQueries({ queryKey: keys.spots(booking.lot.id) })
    },
  })
}

export interface WalkInTap extends Tap {
  lotId: string
  plate: string
}

export function useBookWalkIn() {
  const client = useQueryClient()
  return useMutation({
    retry: retryTap,
    mutationFn: ({ lotId, plate, key }: WalkInTap) =>
      unwrap(
        api.POST('/api/admin/bookings', {
          params: { header: { 'Idempotency-Key': key } },
          body: { lot_id: lotId, vehicle_plate: plate },
        }),
      ),
    onSuccess: (booking) => {
      void client.invalidateQueries({ queryKey: keys.adminSpots(booking.lot.id) })
      void client.invalidateQueries({ queryKey: ['admin', 'bookings'] })
    },
  })
}

/** The spot is free: what is shown anywhere follows. */
export function noteReleased(client: QueryClient, booking: Booking): void {
  client.setQueryData(keys.booking(booking.id), booking)
  client.setQueryData<Page<Booking>>(
    keys.openBookings,
    (old) => old && { ...old, items: old.items.filter((other) => other.id !== booking.id) },
  )
  void client.invalidateQueries({ queryKey: ['bookings', 'list'] })
  void client.invalidateQueries({ queryKey: keys.openBookings })
  void client.invalidateQueries({ queryKey: keys.spots(booking.lot.id) })
  void client.invalidateQueries({ queryKey: keys.adminSpots(booking.lot.id) })
  void client.invalidateQueries({ queryKey: ['admin', 'bookings'] })
}

export function useRelease() {
  const client = useQueryClient()
  return useMutation({
    retry: retryTap,
    mutationFn: (id: string) =>
      unwrap(api.POST('/api/bookings/{id}/release', { params: { path: { id } } })),
    onSuccess: (booking) => noteReleased(client, booking),
  })
}
