// Where one is signed in, and the end of it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'
import type { OwnSession } from '@/api/types'

/** This device first, then as the server has them. */
export function useSessions() {
  return useQuery({
    queryKey: keys.sessions,
    queryFn: async ({ signal }): Promise<OwnSession[]> => {
      const { items } = await unwrap(api.GET('/api/me/sessions', { signal }))
      return items.sort((one, other) => Number(other.is_current) - Number(one.is_current))
    },
  })
}

export function useEndSession() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE('/api/me/sessions/{id}', { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.sessions }),
  })
}

export function useEndOtherSessions() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/me/sessions')),
    onSettled: () => client.invalidateQueries({ queryKey: keys.sessions }),
  })
}
