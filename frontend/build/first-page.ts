// What the first page needs comes in four files, not in twenty that share each page's modules. A phone far away waits for
// every round of requests: with the styles and early.js these are as many as a browser has connections to a server of
// HTTP/1.1, and each is small enough for a connection that has only just begun.
import type { Rolldown } from 'vite'

const from = (...names: string[]) => new RegExp(`/node_modules/(?:${names.join('|')})/`)

/** `entry` is the module that the page begins with. */
export function firstPage(entry: string): Rolldown.CodeSplittingOptions {
  let first: Set<string> | undefined
  return {
    includeDependenciesRecursively: false,
    groups: [
      { name: 'vue', test: from('@vue/runtime-core', '@lucide') },
      { name: 'data', test: from('@?vue', '@tanstack', 'openapi-fetch') },
      {
        name: 'words',
        test: new RegExp(`${from('vue-router', 'vue-i18n', '@intlify').source}|/src/i18n/en/`),
      },
      {
        debugName: 'app',
        name(id, modules) {
          first ??= importedFrom(entry, (from) => modules.getModuleInfo(from)?.importedIds ?? [])
          return first.has(id) ? 'app' : null
        },
      },
    ],
  }
}

/** Our own modules that the entry imports at once, and theirs. Of a library nobody knows here which part is used. */
function importedFrom(entry: string, imports: (id: string) => readonly string[]): Set<string> {
  const found = new Set<string>()
  const open = [entry]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id) || id.includes('/node_modules/')) continue
    found.add(id)
    open.push(...imports(id))
  }
  return found
}
