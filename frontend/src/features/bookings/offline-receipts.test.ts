import { describe, expect, it } from 'vitest'
import type { Booking } from '@/api/types'
import { forgetOfflineReceipts, noteOfflineReceipt, offlineReceipt } from './offline-receipts'

const TAP = '2026-11-22T14:20:00.500Z'
const closed = (id: string, released_at: string) => ({ id, released_at }) as Booking

describe('a receipt', () => {
  it('says when its release was sent, if it counts from the tap', () => {
    noteOfflineReceipt(closed('b1', '2026-11-22T14:20:00Z'), TAP, 5)
    expect(offlineReceipt('b1')).toEqual({ bookingId: 'b1', sentAt: 5 })
    // The operator was faster.
    noteOfflineReceipt(closed('b2', '2026-11-22T14:10:00Z'), TAP, 5)
    expect(offlineReceipt('b2')).toBeUndefined()
    forgetOfflineReceipts()
    expect(offlineReceipt('b1')).toBeUndefined()
  })
})
