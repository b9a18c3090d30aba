// Number plates: how they are typed, kept and read.
import { remember } from './remember'

const INDIAN = [/^([A-Z]{2})(\d{1,2})([A-Z]{0,3})(\d{4})$/, /^(\d{2})(BH)(\d{4})([A-Z]{1,2})$/]
const SEPARATORS = /[\s.·‐-―-]/g
const CHARACTERS_MAX = 20
const REMEMBERED_MAX = 3

export function normalisePlate(text: string): string {
  return text.trim().toUpperCase().replace(/\s+/g, ' ')
}

/** "MH20AB1941" reads as "MH 20 AB 1941"; anything else stays as it is. */
export function displayPlate(plate: string): string {
  const compact = plate.replace(SEPARATORS, '')
  const match = INDIAN.map((pattern) => pattern.exec(compact)).find((found) => found !== null)
  return match ? match.slice(1).filter(Boolean).join(' ') : plate
}

/** Plates of any country: only the length is ours to judge, without what people write between. */
export function isPlate(text: string): boolean {
  const length = [...text.replace(SEPARATORS, '')].length
  return length >= 1 && length <= CHARACTERS_MAX
}

const stored = remember('parking:plates')

export function rememberedPlates(): string[] {
  try {
    const plates: unknown = JSON.parse(stored.get() ?? '[]')
    if (!Array.isArray(plates)) return []
    return plates.filter((plate) => typeof plate === 'string').slice(0, REMEMBERED_MAX)
  } catch {
    return []
  }
}

export function rememberPlate(plate: string): void {
  const kept = rememberedPlates().filter((other) => other !== plate)
  stored.set(JSON.stringify([plate, ...kept].slice(0, REMEMBERED_MAX)))
}

export function forgetPlates(): void {
  stored.set('[]')
}
