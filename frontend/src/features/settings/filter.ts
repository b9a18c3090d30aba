import type { ShownSetting } from '@/api/types'

/** Those in which every word stands, in the order of the server. */
export function matching(
  settings: readonly ShownSetting[],
  text: string,
  onlySet: boolean,
): ShownSetting[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return settings.filter(({ name, value, meaning, origin }) => {
    const all = `${name} ${value ?? ''} ${meaning}`.toLowerCase()
    return (!onlySet || origin !== 'default') && words.every((word) => all.includes(word))
  })
}
