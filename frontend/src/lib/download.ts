// A file of the API, saved as the browser saves any other: an <a href> could not send the session's token.
import { authorisedFetch, unwrap } from '@/api/client'

/** How long the browser may take to begin with it. */
const KEPT_MS = 60_000

export function fileName(disposition: string | null): string {
  return /filename="?([^";]+)"?/.exec(disposition ?? '')?.[1] ?? 'download'
}

async function read(path: string) {
  const response = await authorisedFetch(new Request(new URL(path, location.origin)))
  if (!response.ok) return { response, error: await response.json().catch(() => null) }
  const name = fileName(response.headers.get('content-disposition'))
  return { response, data: { name, blob: await response.blob() } }
}

/** Throws an ApiProblem when the server refuses. */
export async function download(path: string): Promise<void> {
  const { name, blob } = await unwrap<{ name: string; blob: Blob }>(read(path))
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS)
}
