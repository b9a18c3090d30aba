// Releases that were tapped without a network: kept on the device with the time of the tap, and sent when the server can be reached.
import { readonly, shallowRef } from 'vue'
import { idempotencyKey } from '@/api/idempotency'
import { isProblem } from '@/api/problem'
import type { Booking } from '@/api/types'

export interface WaitingRelease {
  bookingId: string
  /** Who tapped: nobody else's session may send it. */
  userId: string
  /** The moment of the tap by the device's clock, in milliseconds since the epoch. */
  tappedAt: number
  /** The same by the server's clock, as it was first sent: sent again it must be the same. */
  releasedAt: string | null
  key: string
  state: 'waiting' | 'sending' | 'refused'
}

export type SentRelease = WaitingRelease & { releasedAt: string }

export interface QueueDeps {
  store: { get(): WaitingRelease[] | null; set(releases: WaitingRelease[]): void }
  /** Translates a moment of the device's clock into the server's. */
  serverTime(deviceMs: number): number
  /** One tab sends; the others do nothing meanwhile. */
  exclusively(work: () => Promise<void>): Promise<void>
  send(release: SentRelease): Promise<Booking>
  sent(booking: Booking, release: SentRelease): void
  /** It will never be accepted as it is. */
  refused(release: WaitingRelease, error: unknown): void
}

/** Refusals that may be another answer next time. */
const PASSING_STATUSES = [401, 403, 408, 425, 429]

export class ReleaseQueue {
  private readonly list = shallowRef<readonly WaitingRelease[]>([])
  readonly releases = readonly(this.list)

  constructor(private readonly deps: QueueDeps) {
    this.read()
  }

  /** Another tab may have changed it. */
  read(): void {
    const kept = this.deps.store.get()
    this.list.value = Array.isArray(kept) ? kept : []
  }

  of(bookingId: string): WaitingRelease | undefined {
    return this.list.value.find((release) => release.bookingId === bookingId)
  }

  /** The first tap counts, however often it is tapped again. */
  add(booking: Pick<Booking, 'id'>, userId: string, tappedAt: number): void {
    this.read()
    if (this.of(booking.id)?.state === 'waiting') return
    this.write([
      ...this.without(booking.id),
      {
        bookingId: booking.id,
        userId,
        tappedAt,
        releasedAt: null,
        key: idempotencyKey(tappedAt),
        state: 'waiting',
      },
    ])
  }

  takeBack(bookingId: string): void {
    this.read()
    this.write(this.without(bookingId))
  }

  forget(): void {
    this.write([])
  }

  /** Whose they are not is forgotten. */
  keepOnly(userId: string): void {
    this.read()
    if (this.list.value.some((release) => release.userId !== userId)) {
      this.write(this.list.value.filter((release) => release.userId === userId))
    }
  }

  /** Sends what waits, one after the other. What does not come through waits on. */
  async send(userId: string): Promise<void> {
    await this.deps.exclusively(async () => {
      this.read()
      const mine = this.list.value.filter(
        (release) => release.userId === userId && release.state !== 'refused',
      )
      for (const { bookingId } of mine) await this.sendOne(bookingId)
    })
  }

  private async sendOne(bookingId: string): Promise<void> {
    this.read()
    const waiting = this.of(bookingId)
    // Taken back meanwhile.
    if (!waiting) return
    const releasedAt =
      waiting.releasedAt ?? new Date(this.deps.serverTime(waiting.tappedAt)).toISOString()
    const release = { ...waiting, releasedAt, state: 'sending' as const }
    this.put(release)
    try {
      const booking = await this.deps.send(release)
      this.takeBack(bookingId)
      this.deps.sent(booking, release)
    } catch (error) {
      this.read()
      if (isFinal(error)) this.refuse(release, error)
      else if (this.of(bookingId)) this.put({ ...release, state: 'waiting' })
    }
  }

  private refuse(release: WaitingRelease, error: unknown): void {
    // A booking that is not there any more needs no release.
    if (isProblem(error, 'not_found')) this.takeBack(release.bookingId)
    else this.put({ ...release, state: 'refused' })
    this.deps.refused(release, error)
  }

  private put(release: WaitingRelease): void {
    this.read()
    this.write([...this.without(release.bookingId), release])
  }

  private without(bookingId: string): WaitingRelease[] {
    return this.list.value.filter((release) => release.bookingId !== bookingId)
  }

  private write(releases: WaitingRelease[]): void {
    this.list.value = releases
    this.deps.store.set(releases)
  }
}

function isFinal(error: unknown): boolean {
  if (!isProblem(error) || error.status < 400 || error.status >= 500) return false
  // The same release is on its way already.
  return !PASSING_STATUSES.includes(error.status) && error.code !== 'idempotency_key_in_flight'
}
