// Reads of what stays and money came to.
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'

const OVERVIEW_REFETCH_MS = 60_000
const STATS_STALE_MS = 60_000

/** One's own totals by month and by lot. */
export function useOwnStats() {
  return useQuery({
    queryKey: keys.ownStats,
    queryFn: ({ signal }) => unwrap(api.GET('/api/stats', { signal })),
    // Whoever comes here from a release wants to see it.
    staleTime: 0,
  })
}

export function useOverview() {
  return useQuery({
    queryKey: keys.adminOverview,
    queryFn: ({ signal }) => unwrap(api.GET('/api/admin/overview', { signal })),
    refetchInterval: OVERVIEW_REFETCH_MS,
  })
}

export interface StatsFilter {
  /** Days, both inclusive. */
  from: string
  to: string
  lotId: string
}

/** `null`: not asked for. */
export function useAdminStats(filter: MaybeRefOrGetter<StatsFilter | null>) {
  return useQuery({
    queryKey: computed(() => keys.adminStats(toValue(filter) ?? {})),
    queryFn: ({ signal }) => {
      const { from, to, lotId } = toValue(filter) ?? { from: '', to: '', lotId: '' }
      const query = { from, to, lot_id: lotId === '' ? undefined : lotId }
      return unwrap(api.GET('/api/admin/stats', { params: { query }, signal }))
    },
    enabled: computed(() => toValue(filter) !== null),
    staleTime: STATS_STALE_MS,
    placeholderData: keepPreviousData,
  })
}
