// What the insight page is about, kept in the address: a named period moves with the days, two days stay.
import { computed } from 'vue'
import { serverNow } from '@/api/server-clock'
import { useSetup } from '@/features/lots/queries'
import { wallClock } from '@/lib/time-zone'
import { useUrlFilters } from '@/ui/pager'
import { isPreset, type Preset, PRESET_AT_FIRST, presetPeriod, problemOf } from './period'
import type { StatsFilter } from './queries'

export function useInsightFilter() {
  const filters = useUrlFilters(['period', 'from', 'to', 'lot', 'sort'])
  const setup = useSetup()
  const today = computed(() => {
    const zone = setup.data.value?.time_zone
    return zone === undefined ? '' : wallClock(serverNow(), zone).day
  })

  const preset = computed<Preset | null>(() => {
    const { period, from, to } = filters.values.value
    if (from !== '' || to !== '') return null
    return isPreset(period) ? period : PRESET_AT_FIRST
  })
  const period = computed(() => {
    const { from, to } = filters.values.value
    if (preset.value === null) return { from, to }
    return today.value === '' ? { from: '', to: '' } : presetPeriod(preset.value, today.value)
  })
  /** Why there is nothing to show; null as well while the time zone is not known. */
  const problem = computed(() => (today.value === '' ? null : problemOf(period.value)))
  const wanted = computed<StatsFilter | null>(() =>
    today.value === '' || problem.value !== null
      ? null
      : { ...period.value, lotId: filters.values.value.lot },
  )

  const choose = (name: Preset) =>
    filters.set({ period: name === PRESET_AT_FIRST ? '' : name, from: '', to: '' })
  const setDay = (end: 'from' | 'to', day: string) =>
    filters.set({ period: '', ...period.value, [end]: day })

  return {
    today,
    preset,
    period,
    problem,
    wanted,
    choose,
    setDay,
    lot: filters.chosen('lot'),
    sort: filters.chosen('sort'),
    setup,
  }
}
