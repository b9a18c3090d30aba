// Which of one's stays ended with a tap without a network: the server does not tell, this device remembers.
import { serverNow } from '@/api/server-clock'
import type { Booking } from '@/api/types'
import { rememberJson } from '@/lib/remember'

export interface OfflineReceipt {
  bookingId: string
  /** By the server's clock, in milliseconds since the epoch. */
  sentAt: number
}

const REMEMBERED_MAX = 20
/** The server may cut what is less than a second. */
const SAME_MS = 1_000

const stored = rememberJson<OfflineReceipt[]>('parking:offline-receipts')

const all = () => stored.get() ?? []

/** Only if it counts from the tap: somebody else may have released it before. */
export function noteOfflineReceipt(booking: Booking, releasedAt: string, now = serverNow()): void {
  const difference = Date.parse(booking.released_at ?? '') - Date.parse(releasedAt)
  if (!(Math.abs(difference) <= SAME_MS)) return
  const others = all().filter(({ bookingId }) => bookingId !== booking.id)
  stored.set([{ bookingId: booking.id, sentAt: now }, ...others].slice(0, REMEMBERED_MAX))
}

export function offlineReceipt(bookingId: string): OfflineReceipt | undefined {
  return all().find((receipt) => receipt.bookingId === bookingId)
}

export function forgetOfflineReceipts(): void {
  stored.set([])
}
