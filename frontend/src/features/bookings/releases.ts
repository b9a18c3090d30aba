// One's own releases: sent at once, or kept with the time of the tap until the network is back.
import { useMutation, useQueryClient, type QueryClient } from '@tanstack/vue-query'
import { shallowRef, watch } from 'vue'
import { api, unwrap } from '@/api/client'
import { isProblem } from '@/api/problem'
import { offline } from '@/api/reach'
import { serverNow } from '@/api/server-clock'
import type { Booking } from '@/api/types'
import { session } from '@/features/auth/session'
import { rememberJson } from '@/lib/remember'
import { forgetOfflineReceipts, noteOfflineReceipt } from './offline-receipts'
import { noteReleased } from './queries'
import { ReleaseQueue, type WaitingRelease } from './release-queue'

/** Longer than this the driver is not kept waiting at the barrier. */
const ANSWER_MS_MAX = 8_000
const RETRY_MS = 15_000
const STORE = 'parking:releases'

/** What became of a release that waited; read by whoever tells the driver. */
export const outcome = shallowRef<
  { kind: 'sent'; booking: Booking } | { kind: 'refused' | 'gone' } | null
>(null)

let client: QueryClient | null = null

function release(id: string, body?: { released_at: string }, key?: string): Promise<Booking> {
  const header = key ? { 'Idempotency-Key': key } : undefined
  return unwrap(
    api.POST('/api/bookings/{id}/release', {
      params: { path: { id }, header },
      body,
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    }),
  )
}

const queue = new ReleaseQueue({
  store: rememberJson<WaitingRelease[]>(STORE),
  serverTime: serverNow,
  async exclusively(work) {
    const locks = navigator.locks as LockManager | undefined
    if (!locks) return work()
    await locks.request(STORE, { ifAvailable: true }, (lock) => (lock ? work() : undefined))
  },
  send: ({ bookingId, releasedAt, key }) => release(bookingId, { released_at: releasedAt }, key),
  sent(booking, { releasedAt }) {
    if (client) noteReleased(client, booking)
    noteOfflineReceipt(booking, releasedAt)
    outcome.value = { kind: 'sent', booking }
  },
  refused(_, error) {
    outcome.value = { kind: isProblem(error, 'not_found') ? 'gone' : 'refused' }
  },
})

export const waitingReleases = queue.releases
export const takeBackRelease = (bookingId: string) => queue.takeBack(bookingId)

/** Sends what waits whenever there is hope, from now on. */
export function startSendingReleases(queryClient: QueryClient): void {
  client = queryClient
  function send(): void {
    const userId = session.user.value?.id
    if (userId && !offline.value && queue.releases.value.length > 0) void queue.send(userId)
  }
  watch([offline, session.user], send, { immediate: true })
  setInterval(send, RETRY_MS)
  window.addEventListener('storage', ({ key }) => {
    if (key === STORE) queue.read()
  })
}

export function forgetReleases(): void {
  queue.forget()
  forgetOfflineReceipts()
}

export const keepReleasesOf = (userId: string) => queue.keepOnly(userId)

/** Resolves with the closed booking, or with null when the release waits for the network. */
export function useLeave() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: async (booking: Booking): Promise<Booking | null> => {
      const tappedAt = Date.now()
      try {
        if (!offline.value) return await release(booking.id)
      } catch (error) {
        if (!isProblem(error, 'network')) throw error
      }
      queue.add(booking, session.user.value?.id ?? '', tappedAt)
      return null
    },
    onSuccess(closed, { id }) {
      if (!closed) return
      queue.takeBack(id)
      noteReleased(queryClient, closed)
    },
  })
}
