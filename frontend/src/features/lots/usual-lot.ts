import type { QueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'
import { isProblem } from '@/api/problem'
import { keys } from '@/api/query'

/** The id of the lot they used most and that still exists; read into the cache on the way. */
export async function readUsualLot(
  client: QueryClient,
  signal: AbortSignal,
): Promise<string | null> {
  const { lots } = await unwrap(api.GET('/api/stats', { signal }))
  for (const { lot } of lots) {
    try {
      const params = { path: { id: lot.id } }
      const found = await unwrap(api.GET('/api/lots/{id}', { params, signal }))
      client.setQueryData(keys.lot(found.id), found)
      return found.id
    } catch (error) {
      if (!isProblem(error, 'not_found')) throw error
    }
  }
  return null
}
