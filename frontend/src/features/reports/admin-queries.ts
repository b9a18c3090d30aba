import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'

export function useAdminReports() {
  return useQuery({
    queryKey: keys.adminReports,
    queryFn: ({ signal }) => unwrap(api.GET('/api/admin/reports', { signal })),
    // Whoever comes back from running the schedule by hand wants to see its report.
    staleTime: 0,
  })
}

export function useAdminReport(month: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.adminReport(toValue(month))),
    queryFn: ({ signal }) => {
      const path = { month: toValue(month) }
      return unwrap(api.GET('/api/admin/reports/{month}', { params: { path }, signal }))
    },
    // A report is kept as it was made.
    staleTime: Infinity,
  })
}
