import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { idempotencyKey } from '@/api/idempotency'
import { keys } from '@/api/query'
import type { TaskStatus } from '@/api/types'

export const STATUSES: readonly TaskStatus[] = ['queued', 'running', 'succeeded', 'failed']
const PAGE_LENGTH = 20
/** While something is under way, and while nothing is. */
export const LOOK_MS = { busy: 1_500, idle: 15_000 }

export interface TaskFilter {
  status: string
  cursor: string
}

export function useTasks(filter: MaybeRefOrGetter<TaskFilter>) {
  return useQuery({
    queryKey: computed(() => keys.adminTasks(toValue(filter))),
    queryFn: ({ signal }) => {
      const { status, cursor } = toValue(filter)
      const query = {
        status: STATUSES.find((known) => known === status),
        cursor: cursor === '' ? undefined : cursor,
        limit: PAGE_LENGTH,
      }
      return unwrap(api.GET('/api/admin/tasks', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      const busy = state.data?.items.some(({ finished_at }) => finished_at === null)
      return busy ? LOOK_MS.busy : LOOK_MS.idle
    },
  })
}

export function useSchedules() {
  return useQuery({
    queryKey: keys.adminSchedules,
    queryFn: ({ signal }) => unwrap(api.GET('/api/admin/schedules', { signal })),
    refetchInterval: LOOK_MS.idle,
  })
}

function useTaskChange<T>(
  change: (wish: T, header: { 'Idempotency-Key': string }) => Promise<unknown>,
) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (wish: T) => change(wish, { 'Idempotency-Key': idempotencyKey() }),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['admin', 'tasks'] }),
        client.invalidateQueries({ queryKey: ['admin', 'mails'] }),
        client.invalidateQueries({ queryKey: keys.adminSchedules }),
      ]),
  })
}

export function useRetryTask() {
  return useTaskChange((id: string, header) =>
    unwrap(api.POST('/api/admin/tasks/{id}/retry', { params: { path: { id }, header } })),
  )
}

export function useRunSchedule() {
  return useTaskChange((name: string, header) =>
    unwrap(api.POST('/api/admin/schedules/{name}/run', { params: { path: { name }, header } })),
  )
}
