import {
  keepPreviousData,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'
import { useSession } from '@/features/auth/session'

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => unwrap(api.GET('/api/me', { signal })),
})

/** One's own account; nothing while nobody is signed in. */
export function useMe() {
  const { signedIn } = useSession()
  return useQuery({ ...meQuery, enabled: signedIn })
}

export interface UserFilter {
  q: string
  active: string
  cursor: string
}

const PAGE_LENGTH = 20

export function useUsers(filter: MaybeRefOrGetter<UserFilter>) {
  return useQuery({
    queryKey: computed(() => keys.adminUsers(toValue(filter))),
    queryFn: ({ signal }) => {
      const { q, active, cursor } = toValue(filter)
      const query = {
        q: q === '' ? undefined : q,
        active: active === 'true' || active === 'false' ? active === 'true' : undefined,
        cursor: cursor === '' ? undefined : cursor,
        limit: PAGE_LENGTH,
      }
      return unwrap(api.GET('/api/admin/users', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
  })
}

export function useSetActive() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, active }: { id: string; active: boolean }) =>
      unwrap(api.PATCH('/api/admin/users/{id}', { params: { path: { id } }, body: { active } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ['admin', 'users'] }),
  })
}
