// What the first page needs comes in two files, not in twenty that share each page's modules: a phone far away waits for
// each round of requests. The libraries are a file of their own, which stays in the browser's cache over an update.
import type { Rolldown } from 'vite'

const LIBRARIES =
  /\/node_modules\/(?:@?vue|vue-router|vue-i18n|@intlify|@tanstack|@lucide|openapi-fetch)\//

/** `entry` is the module that the page begins with. */
export function firstPage(entry: string): Rolldown.CodeSplittingOptions {
  let first: Set<string> | undefined
  return {
    includeDependenciesRecursively: false,
    groups: [
      { name: 'libraries', test: LIBRARIES },
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
