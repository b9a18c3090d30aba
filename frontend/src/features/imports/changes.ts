// What would change of a lot, field by field, as a person reads it.
import { useI18n } from 'vue-i18n'
import type { FieldChange, PlannedLot } from '@/api/types'
import { useFormat } from '@/i18n/format'

type Kind = 'text' | 'number' | 'money' | 'minutes'

const FIELDS: Record<string, { label: string; kind: Kind }> = {
  name: { label: 'lots.name', kind: 'text' },
  address: { label: 'lots.address', kind: 'text' },
  city: { label: 'lots.city', kind: 'text' },
  pin_code: { label: 'lots.pin_code', kind: 'text' },
  latitude: { label: 'lots.latitude', kind: 'text' },
  longitude: { label: 'lots.longitude', kind: 'text' },
  time_zone: { label: 'lots.time_zone', kind: 'text' },
  currency: { label: 'lots.currency', kind: 'text' },
  number_of_spots: { label: 'lots.number_of_spots', kind: 'number' },
  price_per_hour_minor: { label: 'lots.price', kind: 'money' },
  free_minutes: { label: 'lots.free_minutes', kind: 'minutes' },
  increment_minutes: { label: 'lots.increment', kind: 'minutes' },
  daily_cap_minor: { label: 'lots.daily_cap', kind: 'money' },
}

export interface PlainChange {
  field: string
  before: unknown
  after: unknown
}

/** The tariff is one field of the server and three of a reader. */
export function takenApart(changes: readonly FieldChange[]): PlainChange[] {
  return changes.flatMap(({ field, before, after }) => {
    if (field !== 'tariff') return [{ field, before, after }]
    const [old, wanted] = [before, after] as Record<string, unknown>[]
    return Object.keys(wanted ?? {})
      .map((name) => ({ field: name, before: old?.[name], after: wanted?.[name] }))
      .filter((change) => change.before !== change.after)
  })
}

export interface ChangeInWords {
  label: string
  before: string
  after: string
}

export function useChangesInWords() {
  const { t } = useI18n()
  const { price, number, duration } = useFormat()

  function word(value: unknown, kind: Kind, currency: string): string {
    if (value === null || value === undefined || value === '') return t('ui.none')
    if (typeof value !== 'number' || kind === 'text') return String(value)
    if (kind === 'money') return price(value, currency)
    return kind === 'minutes' ? duration(value) : number(value)
  }

  return (lot: PlannedLot): ChangeInWords[] => {
    const plain = takenApart(lot.changes)
    const currency = plain.find(({ field }) => field === 'currency')
    return plain.map(({ field, before, after }) => {
      const { label, kind } = FIELDS[field] ?? { label: '', kind: 'text' }
      return {
        label: label === '' ? field : t(label),
        before: word(before, kind, String(currency?.before ?? lot.currency)),
        after: word(after, kind, lot.currency),
      }
    })
  }
}
