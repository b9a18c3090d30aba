// How long somebody means to stay, and what that comes to.
import { computed, type MaybeRefOrGetter, ref, toValue, watch } from 'vue'
import type { Lot } from '@/api/types'
import { useFormat } from '@/i18n/format'
import { remember } from '@/lib/remember'
import { useQuote } from './queries'
import { costMinor } from './tariff'

const DAY = 1_440
/** In minutes. */
export const STAYS: readonly number[] = [30, 60, 120, 240, 480, DAY]
const FIRST_STAY = 60

const kept = remember('parking:stay')

/** In minutes: the one that was chosen last on this device. */
export function useStay() {
  const last = Number(kept.get())
  const minutes = ref(STAYS.includes(last) ? last : FIRST_STAY)
  watch(minutes, (stay) => kept.set(String(stay)))
  return minutes
}

export function useStayNames() {
  const { duration, wholeHours } = useFormat()
  return (stay: number) => (stay === DAY ? wholeHours(24) : duration(stay))
}

/** In minor units: what the server says, and until it does the same rule here. */
export function useStayTotal(lot: MaybeRefOrGetter<Lot>, minutes: MaybeRefOrGetter<number>) {
  const quote = useQuote(() => toValue(lot).id, minutes)
  return computed(
    () => quote.data.value?.cost_minor ?? costMinor(toValue(lot), toValue(minutes) * 60_000),
  )
}
