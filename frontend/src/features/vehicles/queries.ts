import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'
import { idempotencyKey } from '@/api/idempotency'
import { keys } from '@/api/query'
import type { Vehicle, VehicleChange } from '@/api/types'
import { useSession } from '@/features/auth/session'

const RARELY_CHANGES_MS = 5 * 60_000

/** One's own, the default first. */
export function useVehicles() {
  const { signedIn } = useSession()
  return useQuery({
    queryKey: keys.vehicles,
    queryFn: async ({ signal }): Promise<Vehicle[]> =>
      (await unwrap(api.GET('/api/me/vehicles', { signal }))).items,
    staleTime: RARELY_CHANGES_MS,
    enabled: signedIn,
  })
}

export interface VehicleWish {
  plate: string
  name?: string | null
}

function useRefresh() {
  const client = useQueryClient()
  return { onSuccess: () => client.invalidateQueries({ queryKey: keys.vehicles }) }
}

export function useAddVehicle() {
  return useMutation({
    mutationFn: (body: VehicleWish) =>
      unwrap(
        api.POST('/api/me/vehicles', {
          params: { header: { 'Idempotency-Key': idempotencyKey() } },
          body,
        }),
      ),
    ...useRefresh(),
  })
}

export function useChangeVehicle() {
  return useMutation({
    mutationFn: ({ id, ...body }: VehicleChange & { id: string }) =>
      unwrap(api.PATCH('/api/me/vehicles/{id}', { params: { path: { id } }, body })),
    ...useRefresh(),
  })
}

export function useRemoveVehicle() {
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE('/api/me/vehicles/{id}', { params: { path: { id } } })),
    ...useRefresh(),
  })
}
