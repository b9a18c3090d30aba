// Files that are only for one person: fetched with the access token, then saved as a link could not do it.
import { unwrap } from '@/api/client'

export interface FileAnswer {
  data?: Blob
  error?: unknown
  response: Response
}

const KEPT_MS = 60_000

/** The name that the server gives a file; only its last part, whatever it says. */
export function fileName(headers: Headers): string {
  const header = headers.get('content-disposition') ?? ''
  const name = /filename="([^"]*)"/i.exec(header)?.[1] ?? ''
  return name.split(/[/\\]/).at(-1) || 'download'
}

/** Saves the answer to a call with `parseAs: 'blob'`. Throws an ApiProblem when there is no such file. */
export async function download(call: Promise<FileAnswer>): Promise<void> {
  const blob = await unwrap(call)
  saveFile(blob, fileName((await call).response.headers))
}

export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // Some browsers begin to read it a moment later.
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS)
}
