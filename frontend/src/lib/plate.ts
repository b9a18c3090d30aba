// Number plates: how they are typed, sent and read.
const INDIAN = [/^([A-Z]{2})(\d{1,2})([A-Z]{0,3})(\d{4})$/, /^(\d{2})(BH)(\d{4})([A-Z]{1,2})$/]
const SEPARATORS = /[\s.·‐-―-]/g
const CHARACTERS_MAX = 20

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

/** Whether it is the same plate, however it is written. */
export function samePlate(one: string, other: string): boolean {
  const compact = (plate: string) => normalisePlate(plate).replace(SEPARATORS, '')
  return compact(one) === compact(other)
}
