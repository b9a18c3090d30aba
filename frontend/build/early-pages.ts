// Tells early.js which files a page needs beyond the application's own, so that they are asked for beside those, not after.
import type { Plugin } from 'vite'
import { filesOf } from './files.ts'

/** `pages`: of a path, the module of its page. */
export function earlyPages(pages: Record<string, string>): Plugin {
  let root = ''
  return {
    name: 'early-pages',
    apply: 'build',
    configResolved(config) {
      root = config.root
    },
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const entry = filesOf(bundle, root, [])
        return Object.entries(pages).map(([path, module]) => {
          const files = [...filesOf(bundle, root, [module])].filter(
            (file) => file.endsWith('.js') && !entry.has(file),
          )
          const content = files.map((file) => `/${file}`).join(' ')
          return { tag: 'meta', attrs: { name: `with:${path}`, content }, injectTo: 'head-prepend' }
        })
      },
    },
  }
}
