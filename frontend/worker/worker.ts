// The service worker: the application starts without a network. It keeps files only, never an answer of the API.
// A new version is fetched in the background, and takes over when the reader says so or has closed all tabs.
import { answeredBy, type WorkerMessage } from './requests'

declare const self: ServiceWorkerGlobalScope

/** Filled in by the build (plugin.ts): paths of what the first page needs, of all hashed files, and a name for this build. */
declare const __SHELL__: readonly string[]
declare const __ASSETS__: readonly string[]
declare const __VERSION__: string

const shellPaths = __SHELL__
const assetPaths = __ASSETS__
const SHELL = `parking-shell-${__VERSION__}`
/** Shared by versions: what did not change is not fetched again. */
const ASSETS = 'parking-assets'
const PAGE = '/'
const isAsset = (path: string) => path.startsWith('/assets/')

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(activate()))
self.addEventListener('message', (event) => {
  const message = event.data as WorkerMessage
  if (message.type === 'activate') void self.skipWaiting()
  else event.waitUntil(keep(message.paths))
})
self.addEventListener('fetch', (event) => {
  const { request } = event
  const kind = answeredBy(request, self.location.origin, shellPaths)
  if (kind === 'page') {
    event.respondWith(page(request))
    event.waitUntil(refreshPage())
  } else if (kind === 'asset') {
    event.respondWith(asset(request))
  } else if (kind === 'shell') {
    event.respondWith(kept(SHELL, new URL(request.url).pathname, request))
  }
})

async function install(): Promise<void> {
  const shell = await caches.open(SHELL)
  const files = shellPaths.filter((path) => !isAsset(path))
  await shell.addAll(files.map((path) => new Request(path, { cache: 'no-cache' })))
  await keep(shellPaths.filter(isAsset))
}

async function keep(paths: readonly string[]): Promise<void> {
  const assets = await caches.open(ASSETS)
  const kept = await Promise.all(paths.map((path) => assets.match(path, { ignoreVary: true })))
  await assets.addAll(paths.filter((_, index) => !kept[index]))
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith('parking-') && name !== SHELL && name !== ASSETS) await caches.delete(name)
  }
  const assets = await caches.open(ASSETS)
  for (const request of await assets.keys()) {
    if (!assetPaths.includes(new URL(request.url).pathname)) await assets.delete(request)
  }
  await self.clients.claim()
}

async function kept(cacheName: string, path: string, request: Request): Promise<Response> {
  const cache = await caches.open(cacheName)
  return (await cache.match(path, { ignoreVary: true })) ?? fetch(request)
}

const page = (request: Request) => kept(SHELL, PAGE, request)

/** A file is kept when it is first used. */
async function asset(request: Request): Promise<Response> {
  const cache = await caches.open(ASSETS)
  const found = await cache.match(request, { ignoreVary: true })
  if (found) return found
  const response = await fetch(request)
  // A full disk keeps nothing more, and that is all.
  if (response.ok) await cache.put(request, response.clone()).catch(() => undefined)
  return response
}

/** The page's headers may change without its content (a map from elsewhere is allowed); another content is another version. */
async function refreshPage(): Promise<void> {
  const cache = await caches.open(SHELL)
  const before = await cache.match(PAGE, { ignoreVary: true })
  const response = await fetch(PAGE, { cache: 'no-cache' }).catch(() => null)
  if (!before || !response?.ok) return
  const [old, now] = await Promise.all([before.text(), response.clone().text()])
  if (old === now) await cache.put(PAGE, response)
}
