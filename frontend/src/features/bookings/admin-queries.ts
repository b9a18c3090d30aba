import { keepPreviousData, useMutation, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, unwrap } from '@/api/client'
import { idempotencyKey } from '@/api/idempotency'
import { keys } from '@/api/query'

export interface AdminBookingFilter {
  lotId: string
  userId: string
  status: string
  plate: string
  from: string
  to: string
  cursor: string
}

const PAGE_LENGTH = 20

/** An empty filter is no filter. */
const given = (value: string) => (value === '' ? undefined : value)

export function useAdminBookings(filter: MaybeRefOrGetter<AdminBookingFilter>) {
  return useQuery({
    queryKey: computed(() => keys.adminBookings(toValue(filter))),
    queryFn: ({ signal }) => {
      const { lotId, userId, status, plate, from, to, cursor } = toValue(filter)
      const query = {
        lot_id: given(lotId),
        user_id: given(userId),
        status:
          status === 'open' || status === 'closed' ? (status as 'open' | 'closed') : undefined,
        plate: given(plate),
        from: given(from),
        to: given(to),
        cursor: given(cursor),
        limit: PAGE_LENGTH,
      }
      return unwrap(api.GET('/api/admin/bookings', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
  })
}

/** What an export knows of the filters: not the status, not the plate. */
export type AdminExportFilter = Pick<AdminBookingFilter, 'lotId' | 'userId' | 'from' | 'to'>

export function useAdminExport() {
  return useMutation({
    mutationFn: ({ lotId, userId, from, to }: AdminExportFilter) =>
      unwrap(
        api.POST('/api/admin/exports', {
          params: { header: { 'Idempotency-Key': idempotencyKey() } },
          body: {
            lot_id: given(lotId),
            user_id: given(userId),
            from: given(from),
            to: given(to),
          },
        }),
      ),
  })
}
