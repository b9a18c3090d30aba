// Where one is parked, as it is shown: a booking whose release waits stands still at the moment of the tap.
import { computed } from 'vue'
import { serverNow } from '@/api/server-clock'
import type { Booking } from '@/api/types'
import { useOpenBookings } from './queries'
import type { WaitingRelease } from './release-queue'
import { waitingReleases } from './releases'

export interface Parked {
  booking: Booking
  release: WaitingRelease | undefined
}

function standsStill(booking: Booking, release: WaitingRelease | undefined): Booking {
  if (!release || release.state === 'refused') return booking
  return { ...booking, released_at: new Date(serverNow(release.tappedAt)).toISOString() }
}

export function useParked() {
  const query = useOpenBookings()
  const parked = computed<Parked[]>(() =>
    (query.data.value?.items ?? []).map((booking) => {
      const release = waitingReleases.value.find(({ bookingId }) => bookingId === booking.id)
      return { booking: standsStill(booking, release), release }
    }),
  )
  return { query, parked }
}
