import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'
import type { LotImport } from '@/api/types'

/** Its bytes as they were when it was chosen: what was previewed is what is imported. */
export interface ChosenFile {
  name: string
  bytes: Blob
}

export interface LotFile {
  file: ChosenFile
  /** Of new lots that have none. */
  priceMinor: number | null
}

function send({ file, priceMinor }: LotFile, dryRun: boolean): Promise<LotImport> {
  const query = {
    dry_run: dryRun,
    price_per_hour_minor: priceMinor ?? undefined,
    file_name: file.name,
  }
  return unwrap(
    api.POST('/api/admin/imports/lots', {
      params: { query },
      headers: { 'Content-Type': 'text/csv' },
      body: '',
      bodySerializer: () => file.bytes,
    }),
  )
}

/** What would become of each line; nothing is changed. */
export function usePreviewLots() {
  return useMutation({ mutationFn: (wanted: LotFile) => send(wanted, true) })
}

export function useImportLots() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (wanted: LotFile) => send(wanted, false),
    onSuccess: () => {
      for (const key of [['lots'], ['quotes'], ['spots'], ['admin', 'spots']]) {
        void client.invalidateQueries({ queryKey: key })
      }
    },
  })
}
