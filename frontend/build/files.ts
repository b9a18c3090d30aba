// Which files of the build a page needs.
import { join } from 'node:path'
import type { Rollup } from 'vite'

/** The entry and the wanted modules, with all that they import at once. */
export function filesOf(
  bundle: Rollup.OutputBundle,
  root: string,
  also: readonly string[],
): Set<string> {
  const modules = also.map((path) => join(root, path))
  const found = new Set<string>()
  function add(name: string): void {
    const chunk = bundle[name]
    if (found.has(name) || !chunk) return
    found.add(name)
    if (chunk.type !== 'chunk') return
    chunk.imports.forEach(add)
    chunk.viteMetadata?.importedCss.forEach(add)
    chunk.viteMetadata?.importedAssets.forEach(add)
  }
  for (const output of Object.values(bundle)) {
    if (output.type !== 'chunk') continue
    if (output.isEntry || output.moduleIds.some((id) => modules.includes(id))) add(output.fileName)
  }
  for (const path of modules) {
    const there = Object.values(bundle).some(
      (output) => output.type === 'chunk' && output.moduleIds.includes(path),
    )
    if (!there) throw new Error(`${path} is not part of the build`)
  }
  // Fonts belong to the style sheets, which name them themselves.
  for (const name of [...found].filter((file) => file.endsWith('.css'))) {
    const sheet = bundle[name]
    const source = sheet?.type === 'asset' ? String(sheet.source) : ''
    for (const [, asset = ''] of source.matchAll(/url\(\/(assets\/[^)"']+)\)/g)) add(asset)
  }
  return found
}
