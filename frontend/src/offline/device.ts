// What this device keeps of its owner, from the first moment of a visit to the sign-out.
import type { QueryClient } from '@tanstack/vue-query'
import { watch } from 'vue'
import { offline } from '@/api/reach'
import { session } from '@/features/auth/session'
import { forgetReleases, keepReleasesOf, startSendingReleases } from '@/features/bookings/releases'
import { LastKnownKeeper } from './last-known'

export function startDevice(client: QueryClient): void {
  const keeper = new LastKnownKeeper(client)

  watch(
    () => session.user.value?.id,
    (id) => {
      if (!id) return
      keepReleasesOf(id)
      keeper.owner(id)
    },
    { immediate: true },
  )
  session.onEnd((reason) => {
    // Whoever signs in again finds it as it was: a release may still wait.
    if (reason === 'expired') return
    keeper.forget()
    forgetReleases()
  })
  watch(offline, (away) => away && keeper.showLots(), { immediate: true })
  startSendingReleases(client)
}
