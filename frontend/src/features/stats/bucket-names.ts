import { computed } from 'vue'
import { useFormat } from '@/i18n/format'
import { isMonth } from '@/lib/month'

/** Days ("2026-11-22") or months ("2026-11"), on an axis and in full. */
export function useBucketNames(keys: () => readonly string[]) {
  const { day, dayInFull, month, monthShort } = useFormat()
  const isMonths = computed(() => isMonth(keys()[0] ?? ''))

  /** The year is said where it begins. */
  const isNewYear = (key: string) => isMonths.value && key.endsWith('-01')
  function axisOf(key: string): { label: string; major: boolean } {
    if (isNewYear(key)) return { label: key.slice(0, 4), major: true }
    return { label: isMonths.value ? monthShort(key) : day(key), major: false }
  }
  const nameOf = (key: string) => (isMonths.value ? month(key) : dayInFull(key))
  return { isMonths, axisOf, nameOf }
}
