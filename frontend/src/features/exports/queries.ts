// An export is a task: asked for, watched, and then a file that is kept for a while.
import { useMutation, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { idempotencyKey } from '@/api/idempotency'
import { keys } from '@/api/query'
import type { Task } from '@/api/types'

const LOOK_MS = 1_000

export const isUnderWay = (task: Task | undefined) =>
  task?.status === 'queued' || task?.status === 'running'

/** What a finished export says. */
export interface ExportResult {
  rows: number
  bytes: number
  expires_at: string
}

/** Gives the task's id. Empty: no limit. */
export function useStartExport() {
  return useMutation({
    mutationFn: async ({ from, to }: { from: string; to: string }) => {
      const header = { 'Idempotency-Key': idempotencyKey() }
      const body = { from: from || null, to: to || null }
      return (await unwrap(api.POST('/api/exports', { params: { header }, body }))).task_id
    },
  })
}

export function useTask(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.task(toValue(id))),
    queryFn: ({ signal }): Promise<Task> =>
      unwrap(api.GET('/api/tasks/{id}', { params: { path: { id: toValue(id) } }, signal })),
    refetchInterval: ({ state }) => (isUnderWay(state.data) ? LOOK_MS : false),
  })
}
