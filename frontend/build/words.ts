// The words as functions, so that a phone neither loads the compiler of messages nor waits for it.
import { baseCompile } from '@intlify/message-compiler'
import { runnerImport, type Plugin } from 'vite'

const WORDS = /\/src\/i18n\/(?:en|hi)\/(?!index)\w+\.ts$/

/** In a build; while developing and in tests vue-i18n compiles each message when it is first read. */
export function compiledWords(): Plugin {
  return {
    name: 'compiled-words',
    apply: 'build',
    config: () => ({ define: { __INTLIFY_DROP_MESSAGE_COMPILER__: true } }),
    async load(id) {
      if (!WORDS.test(id)) return null
      const { module } = await runnerImport<Record<string, Words>>(id)
      return Object.entries(module)
        .map(([name, words]) => `export const ${name} = ${compiled(words)}`)
        .join('\n')
    },
  }
}

type Words = string | { [key: string]: Words }

function compiled(words: Words): string {
  if (typeof words === 'string') return message(words)
  const entries = Object.entries(words).map(
    ([key, inner]) => `${JSON.stringify(key)}: ${compiled(inner)}`,
  )
  return `{ ${entries.join(', ')} }`
}

function message(text: string): string {
  // Most have nothing to fill in.
  if (!/[{|@]/.test(text)) return `() => ${JSON.stringify(text)}`
  return baseCompile(text, {
    mode: 'arrow',
    onError(error) {
      throw new Error(`${error.message}: ${text}`)
    },
  }).code
}
