import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'
import { useSettled } from '@/lib/settled'
import type { Finding } from './entries'

/** One letter begins half of all plates. */
const CHARACTERS_MIN = 2
const LOTS_AT_FIRST = 7

/** What is found of lots, bookings and people a moment after the last letter; before, the first lots. */
export function useSearch(text: MaybeRefOrGetter<string>) {
  const wanted = computed(() => {
    const typed = toValue(text).trim()
    return typed.length < CHARACTERS_MIN ? '' : typed
  })
  const asked = useSettled(wanted)

  const query = useQuery({
    queryKey: computed(() => keys.adminSearch(asked.value)),
    queryFn: ({ signal }) => read(asked.value, signal),
    placeholderData: keepPreviousData,
  })
  /** Whether what is there answers what is typed. */
  const answered = computed(
    () => asked.value === wanted.value && !query.isPlaceholderData.value && !query.isPending.value,
  )
  return { found: query.data, error: query.error, answered }
}

async function read(q: string, signal: AbortSignal): Promise<Finding> {
  if (q !== '') return unwrap(api.GET('/api/admin/search', { params: { query: { q } }, signal }))
  const query = { limit: LOTS_AT_FIRST }
  const { items } = await unwrap(api.GET('/api/lots', { params: { query }, signal }))
  return { lots: items, bookings: [], users: [] }
}
