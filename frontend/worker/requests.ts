// What the service worker is asked for: what it answers, what it leaves to the network, and what the page tells it.

export interface Asked {
  method: string
  mode: string
  url: string
}

/** `page`: the shell; `asset`: a file whose name changes with its content; `shell`: another file that the shell needs. */
export type Answered = 'page' | 'asset' | 'shell'

export type WorkerMessage =
  | { type: 'activate' }
  /** Files of the build that were loaded before there was a worker. */
  | { type: 'keep'; paths: string[] }

/** Answers of these are nobody's to keep: they are private, or pages of the server's own. */
const SERVER = /^\/(?:api|health|metrics)(?:\/|$)/

/** Null: as if there were no worker. */
export function answeredBy(
  { method, mode, url }: Asked,
  origin: string,
  shell: readonly string[],
): Answered | null {
  const { origin: host, pathname } = new URL(url)
  if (method !== 'GET' || host !== origin || SERVER.test(pathname)) return null
  if (mode === 'navigate') return 'page'
  if (pathname.startsWith('/assets/')) return 'asset'
  return shell.includes(pathname) ? 'shell' : null
}
