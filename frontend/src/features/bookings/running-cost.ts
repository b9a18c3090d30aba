import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import type { Booking } from '@/api/types'
import { useNow } from '@/lib/clock'
import { costMinor, nextStep } from './tariff'

/** What an open booking has cost so far, second by second; a closed one keeps its cost. */
export function useRunningCost(booking: MaybeRefOrGetter<Booking>) {
  const now = useNow()
  const startedMs = computed(() => Date.parse(toValue(booking).started_at))
  const elapsedMs = computed(() => {
    const { released_at } = toValue(booking)
    const end = released_at ? Date.parse(released_at) : now.value
    return Math.max(0, end - startedMs.value)
  })
  const cost = computed(() => {
    const { status, cost_minor } = toValue(booking)
    return status === 'open' ? costMinor(toValue(booking), elapsedMs.value) : cost_minor
  })
  const next = computed(() => {
    const { status, released_at } = toValue(booking)
    if (status !== 'open' || released_at) return null
    const step = nextStep(toValue(booking), elapsedMs.value)
    return step && { ...step, at: startedMs.value + step.atMs }
  })
  return { elapsedMs, cost, next }
}
