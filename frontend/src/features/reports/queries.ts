// Reads of one's own monthly reports. What was reported stays as it was.
import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'

export function useReports() {
  return useQuery({
    queryKey: keys.reports,
    queryFn: ({ signal }) => unwrap(api.GET('/api/reports', { signal })),
  })
}

export function useReport(month: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.report(toValue(month))),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/reports/{month}', { params: { path: { month: toValue(month) } }, signal }),
      ),
    staleTime: Infinity,
  })
}
