import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'
import { LOOK_MS, STATUSES } from '@/features/tasks/queries'

const PAGE_LENGTH = 20

export interface MailFilter {
  status: string
  userId: string
  cursor: string
}

export function useMails(filter: MaybeRefOrGetter<MailFilter>) {
  return useQuery({
    queryKey: computed(() => keys.adminMails(toValue(filter))),
    queryFn: ({ signal }) => {
      const { status, userId, cursor } = toValue(filter)
      const query = {
        status: STATUSES.find((known) => known === status),
        user_id: userId === '' ? undefined : userId,
        cursor: cursor === '' ? undefined : cursor,
        limit: PAGE_LENGTH,
      }
      return unwrap(api.GET('/api/admin/mails', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_MS.idle,
  })
}

export function useMail(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.adminMail(toValue(id))),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/admin/mails/{id}', { params: { path: { id: toValue(id) } }, signal })),
    // What it says does not change; how it fares does.
    refetchInterval: ({ state }) => (state.data?.finished_at === null ? LOOK_MS.busy : false),
  })
}
