// "Park now": the open dialog is part of the URL, so signing in comes back to it and the phone's back button closes it.
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { session, useSession } from '@/features/auth/session'

export function usePark() {
  const route = useRoute()
  const router = useRouter()
  const { signedIn } = useSession()
  const path = route.path

  const parkingAt = computed(() => {
    const lotId = route.query.park
    return signedIn.value && route.path === path && typeof lotId === 'string' ? lotId : null
  })

  async function startPark(lotId: string): Promise<void> {
    const target = { path: route.path, query: { ...route.query, park: lotId } }
    await session.ready
    if (!signedIn.value) {
      const next = router.resolve(target).fullPath
      await router.push({ name: 'sign-in', query: { next } })
    } else if (route.query.park) {
      await router.replace(target)
    } else {
      await router.push(target)
    }
  }

  async function stopPark(): Promise<void> {
    if (!route.query.park || route.path !== path) return
    const target = { path: route.path, query: { ...route.query, park: undefined } }
    const back: unknown = (history.state as { back?: unknown } | null)?.back
    if (back === router.resolve(target).fullPath) router.back()
    else await router.replace(target)
  }

  return { parkingAt, startPark, stopPark }
}
