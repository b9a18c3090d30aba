// The service worker as the page sees it: registered once the page stands, and told to take over when the reader wants the new version.
import { readonly, shallowRef } from 'vue'
import type { WorkerMessage } from '../../worker/requests'

const LOOK_EVERY_MS = 60 * 60 * 1_000

const ready = shallowRef(false)
/** A new version is there, and is in use after a reload. */
export const updateReady = readonly(ready)

/** Absent on plain http outside of loopback, and while developing. */
function container(): ServiceWorkerContainer | null {
  const found = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker
  return import.meta.env.PROD && found ? found : null
}

/** So long the first page has the network and the processor to itself. */
const FIRST_PAGE_MS = 3_000

export function registerWorker(): void {
  const workers = container()
  if (workers) setTimeout(() => void register(workers), FIRST_PAGE_MS)
}

async function register(workers: ServiceWorkerContainer): Promise<void> {
  // Another tab may let the new version in: this one goes on with the old, and is told.
  let hadOne = workers.controller !== null
  workers.addEventListener('controllerchange', () => {
    if (hadOne) ready.value = true
    else
      workers.controller?.postMessage({
        type: 'keep',
        paths: loadedAssets(),
      } satisfies WorkerMessage)
    hadOne = true
  })
  const registration = await workers
    .register('/sw.js', { updateViaCache: 'none' })
    // Refused in some private windows: all works as without.
    .catch(() => null)
  if (!registration) return
  const look = () => void registration.update().catch(() => undefined)
  setInterval(look, LOOK_EVERY_MS)
  const note = (worker: ServiceWorker | null) =>
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed' && workers.controller) ready.value = true
    })
  if (registration.waiting && workers.controller) ready.value = true
  note(registration.installing)
  registration.addEventListener('updatefound', () => note(registration.installing))
}

/** What this visit has used so far: it opens the next time without a network. */
function loadedAssets(): string[] {
  const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)
  return [...new Set(loaded.filter((path) => path.startsWith('/assets/')))]
}

/** Lets a new version take over, if there is one, and goes to `path`. False when the server cannot be reached. */
export async function loadAnew(path = currentPath()): Promise<boolean> {
  if (!navigator.onLine) return false
  const registration = await container()?.getRegistration()
  if (registration) {
    try {
      if (!registration.waiting) await registration.update()
    } catch {
      return false
    }
    const next = registration.installing ?? registration.waiting
    if (next) await takeOver(next)
  }
  if (path === currentPath()) location.reload()
  else location.assign(path)
  return true
}

const currentPath = () => location.pathname + location.search + location.hash

function takeOver(worker: ServiceWorker): Promise<void> {
  return new Promise((done) => {
    function follow(): void {
      if (worker.state === 'installed')
        worker.postMessage({ type: 'activate' } satisfies WorkerMessage)
      if (worker.state === 'activated' || worker.state === 'redundant') done()
    }
    worker.addEventListener('statechange', follow)
    follow()
  })
}
