// Builds the service worker beside the application, and tells it which files there are.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'vite'
import { filesOf } from './files.ts'

interface Options {
  /** Modules that are loaded later, yet wanted without a network: paths from the root of the project. */
  also: readonly string[]
  /** Files of `public/` that the first page needs. */
  files: readonly string[]
  /** Fonts and the like that are for some readers only are left to their first use. */
  wanted: (asset: string) => boolean
}

export function serviceWorker({ also, files, wanted }: Options): Plugin {
  let root = ''
  let outDir = ''
  let shell: string[] = []
  let assets: string[] = []
  return {
    name: 'service-worker',
    apply: 'build',
    configResolved(config) {
      root = config.root
      outDir = join(config.root, config.build.outDir)
    },
    writeBundle(_, bundle) {
      assets = Object.keys(bundle).filter((name) => name.startsWith('assets/'))
      shell = [...filesOf(bundle, root, also)].filter(wanted)
    },
    async closeBundle() {
      // A build that failed wrote nothing; its own error is the one to read.
      if (assets.length === 0) return
      const paths = ['/', ...files, ...shell.sort().map((name) => `/${name}`)]
      await build({
        configFile: false,
        root,
        logLevel: 'warn',
        publicDir: false,
        define: {
          __SHELL__: JSON.stringify(paths),
          __ASSETS__: JSON.stringify(assets.sort().map((name) => `/${name}`)),
          __VERSION__: JSON.stringify(versionOf(outDir, paths)),
        },
        build: {
          outDir,
          emptyOutDir: false,
          target: 'es2022',
          rollupOptions: {
            input: join(root, 'worker/worker.ts'),
            output: { format: 'iife', entryFileNames: 'sw.js' },
          },
        },
      })
    },
  }
}

function versionOf(outDir: string, paths: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of paths) {
    hash.update(path)
    // The names of the others say what is in them.
    if (!path.startsWith('/assets/')) {
      hash.update(readFileSync(join(outDir, path === '/' ? 'index.html' : path)))
    }
  }
  return hash.digest('hex').slice(0, 12)
}
