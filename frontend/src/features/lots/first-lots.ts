// The lots that the first page begins with. early.js asks for them beside the scripts, so that they are there to be painted first.
import type { QueryClient } from '@tanstack/vue-query'
import type { Lot, Page } from '@/api/types'
import { ALL_LOTS, type LotList } from './queries'

declare global {
  interface Window {
    firstLots?: Promise<Page<Lot> | null>
  }
}

/** A page without lots is better than none. */
const WAIT_MS_MAX = 200

export async function takeFirstLots(client: QueryClient): Promise<void> {
  const waited = new Promise<null>((done) => setTimeout(() => done(null), WAIT_MS_MAX))
  const page = await Promise.race([window.firstLots, waited])
  if (page) client.setQueryData<LotList>(ALL_LOTS, { pages: [page], pageParams: [''] })
}
