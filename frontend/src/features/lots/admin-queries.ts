// Changes of lots and spots, by the operator.
import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'
import { idempotencyKey } from '@/api/idempotency'
import { keys } from '@/api/query'
import type { AdminSpot, LotChange, NewLot } from '@/api/types'

/** Also while nobody looks: its checklist for the first lot must not come back for a moment. */
const overviewAnew = { queryKey: keys.adminOverview, refetchType: 'all' } as const

export function useSaveLot() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (wanted: { id: null; lot: NewLot } | { id: string; change: LotChange }) =>
      wanted.id === null
        ? unwrap(
            api.POST('/api/lots', {
              params: { header: { 'Idempotency-Key': idempotencyKey() } },
              body: wanted.lot,
            }),
          )
        : unwrap(
            api.PATCH('/api/lots/{id}', {
              params: { path: { id: wanted.id } },
              body: wanted.change,
            }),
          ),
    onSuccess: async (lot) => {
      client.setQueryData(keys.lot(lot.id), lot)
      client.removeQueries({ queryKey: ['quotes', lot.id] })
      void client.invalidateQueries({ queryKey: keys.adminSpots(lot.id) })
      void client.invalidateQueries(overviewAnew)
      await client.invalidateQueries({ queryKey: ['lots', 'list'] })
    },
  })
}

export function useDeleteLot() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => unwrap(api.DELETE('/api/lots/{id}', { params: { path: { id } } })),
    onSuccess: async (_, id) => {
      client.removeQueries({ queryKey: keys.lot(id) })
      client.removeQueries({ queryKey: keys.adminSpots(id) })
      void client.invalidateQueries(overviewAnew)
      await client.invalidateQueries({ queryKey: ['lots', 'list'] })
    },
  })
}

interface SpotWish {
  id: string
  label?: string
  out_of_service?: boolean
}

/** Shown at once, and taken back when the server refuses. */
export function useChangeSpot(lotId: () => string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, ...body }: SpotWish) =>
      unwrap(api.PATCH('/api/spots/{id}', { params: { path: { id } }, body })),
    onMutate: async (wish) => {
      const key = keys.adminSpots(lotId())
      await client.cancelQueries({ queryKey: key })
      const before = client.getQueryData<AdminSpot[]>(key)
      client.setQueryData<AdminSpot[]>(key, (spots) =>
        spots?.map((spot) => (spot.id === wish.id ? withWish(spot, wish) : spot)),
      )
      return { before, key }
    },
    onError: (_error, _wish, context) => {
      if (context) client.setQueryData(context.key, context.before)
    },
    onSettled: (_data, _error, _wish, context) =>
      context && client.invalidateQueries({ queryKey: context.key }),
  })
}

function withWish(spot: AdminSpot, wish: SpotWish): AdminSpot {
  const label = wish.label ?? spot.label
  if (wish.out_of_service === undefined) return { ...spot, label }
  return { ...spot, label, status: wish.out_of_service ? 'out_of_service' : 'free' }
}
