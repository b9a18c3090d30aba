// What this device last knew, so that it can be shown without a network, with its age: open bookings and the lots last seen. Small,
// without tokens, and forgotten when its owner signs out or somebody else signs in.
import { hashKey, type QueryClient } from '@tanstack/vue-query'
import { keys } from '@/api/query'
import type { Booking, Lot, Page } from '@/api/types'
import { ALL_LOTS, type LotList } from '@/features/lots/queries'
import { rememberJson } from '@/lib/remember'

interface Known<T> {
  /** Milliseconds since the epoch, by the device's clock. */
  at: number
  data: T
}

interface LastKnown {
  version: typeof VERSION
  /** Whose it is; null while nobody is signed in. */
  userId: string | null
  bookings: Known<Booking[]> | null
  lots: Known<Lot[]> | null
}

const VERSION = 1
const BOOKINGS_MAX = 10
const LOTS_MAX = 30
const WRITE_EVERY_MS = 2_000

const stored = rememberJson<LastKnown>('parking:last-known')
const NOTHING: LastKnown = { version: VERSION, userId: null, bookings: null, lots: null }

function read(): LastKnown {
  const known = stored.get()
  return known?.version === VERSION ? known : NOTHING
}

export class LastKnownKeeper {
  private known = read()
  private timer: ReturnType<typeof setTimeout> | undefined
  private filling = false

  constructor(private readonly client: QueryClient) {
    client.getQueryCache().subscribe((event) => {
      if (event.type !== 'updated' || event.action.type !== 'success' || this.filling) return
      this.note(event.query.queryKey, event.query.state.data, event.query.state.dataUpdatedAt)
    })
    window.addEventListener('pagehide', () => this.write())
  }

  /** In the place of the list that cannot be read. Not sooner: a card must not jump away when the list comes. */
  showLots(): void {
    if (!this.known.lots || this.client.getQueryData(ALL_LOTS)) return
    const { data, at } = this.known.lots
    this.fill(() => {
      const list: LotList = { pages: [{ items: data, next_cursor: null }], pageParams: [''] }
      this.client.setQueryData<LotList>(ALL_LOTS, list, { updatedAt: at })
    })
  }

  /** Somebody is signed in: their bookings are shown; what belonged to somebody else goes. */
  owner(userId: string): void {
    if (this.known.userId !== null && this.known.userId !== userId) this.forget()
    this.known = { ...this.known, userId }
    this.fill(() => {
      if (!this.known.bookings || this.client.getQueryData(keys.openBookings)) return
      const { data, at } = this.known.bookings
      const page: Page<Booking> = { items: data, next_cursor: null }
      this.client.setQueryData<Page<Booking>>(keys.openBookings, page, { updatedAt: at })
    })
    this.later()
  }

  forget(): void {
    this.known = NOTHING
    this.write()
  }

  private note(key: readonly unknown[], data: unknown, at: number): void {
    const hash = hashKey(key)
    if (hash === hashKey(keys.openBookings) && this.known.userId !== null) {
      const { items } = data as Page<Booking>
      this.known = { ...this.known, bookings: { at, data: items.slice(0, BOOKINGS_MAX) } }
    } else if (key[0] === 'lots' && key[1] === 'list' && key[3] === 'driver') {
      const lots = (data as LotList).pages.flatMap((page) => page.items)
      // A search without a match is no reason to forget the lots that there are.
      if (lots.length > 0)
        this.known = { ...this.known, lots: { at, data: lots.slice(0, LOTS_MAX) } }
    } else {
      return
    }
    this.later()
  }

  /** What comes from here is not news. */
  private fill(work: () => void): void {
    this.filling = true
    work()
    this.filling = false
  }

  private later(): void {
    this.timer ??= setTimeout(() => this.write(), WRITE_EVERY_MS)
  }

  private write(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    stored.set(this.known)
  }
}
