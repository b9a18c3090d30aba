// The form of a lot: what a person types, and what the server is sent.
import * as v from 'valibot'
import type { Lot, LotChange, NewLot, Setup } from '@/api/types'
import { parseMajor, toMajorText } from '@/lib/money'
import { isTimeZone } from '@/lib/time-zone'

export const SPOTS_MAX = 20_000
const MINUTES_MAX = 1_440
const NAME_MAX = 100
const PRICE_MINOR_MAX = 100_000_000
const CAP_MINOR_MAX = 24 * PRICE_MINOR_MAX

// A type, not an interface: a form wants an index signature.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type LotValues = {
  name: string
  address: string
  city: string
  pin_code: string
  latitude: string
  longitude: string
  time_zone: string
  currency: string
  price: string
  number_of_spots: string
  free_minutes: string
  increment_minutes: string
  daily_cap: string
}

/** The name under which what is typed of a lot is kept. */
export const lotDraft = (id = 'new') => `lot:${id}`
export const walkInDraft = (lotId: string) => `walk-in:${lotId}`

function text(max: number) {
  return v.pipe(
    v.string(),
    v.trim(),
    v.maxLength(max, 'lots.text_long'),
    v.transform((value) => (value === '' ? null : value)),
  )
}

function whole(min: number, max: number, message: string) {
  return v.pipe(
    v.string(),
    v.trim(),
    v.regex(/^\d+$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  )
}

function degrees(limit: number, message: string) {
  return v.pipe(
    v.string(),
    v.trim(),
    v.check(
      (value) =>
        value === '' || (/^-?\d+(\.\d+)?$/.test(value) && Math.abs(Number(value)) <= limit),
      message,
    ),
    v.transform((value) => (value === '' ? null : Number(value))),
  )
}

export function lotSchema(currency: string) {
  const amount = (value: string, max: number) => {
    const minor = parseMajor(value, currency)
    return minor !== null && minor <= max ? minor : null
  }
  return v.pipe(
    v.object({
      name: v.pipe(
        v.string(),
        v.trim(),
        v.nonEmpty('lots.name_missing'),
        v.maxLength(NAME_MAX, 'lots.text_long'),
      ),
      address: text(200),
      city: text(100),
      pin_code: text(12),
      latitude: degrees(90, 'lots.latitude_invalid'),
      longitude: degrees(180, 'lots.longitude_invalid'),
      time_zone: v.pipe(v.string(), v.trim(), v.check(isTimeZone, 'lots.time_zone_invalid')),
      currency: v.pipe(
        v.string(),
        v.trim(),
        v.toUpperCase(),
        v.regex(/^[A-Z]{3}$/, 'lots.currency_invalid'),
      ),
      price: v.pipe(
        v.string(),
        v.check((value) => amount(value, PRICE_MINOR_MAX) !== null, 'lots.price_invalid'),
        v.transform((value) => amount(value, PRICE_MINOR_MAX) ?? 0),
      ),
      number_of_spots: whole(1, SPOTS_MAX, 'lots.spots_invalid'),
      free_minutes: whole(0, MINUTES_MAX, 'lots.free_minutes_invalid'),
      increment_minutes: whole(1, MINUTES_MAX, 'lots.increment_invalid'),
      daily_cap: v.pipe(
        v.string(),
        v.check(
          (value) => value.trim() === '' || amount(value, CAP_MINOR_MAX) !== null,
          'lots.cap_invalid',
        ),
        v.transform((value) => (value.trim() === '' ? null : amount(value, CAP_MINOR_MAX))),
      ),
    }),
    v.check(
      ({ latitude, longitude }) => (latitude === null) === (longitude === null),
      'lots.both_degrees',
    ),
    v.transform(
      ({ price, free_minutes, increment_minutes, daily_cap, ...rest }): Required<NewLot> => ({
        ...rest,
        price_per_hour_minor: price,
        tariff: { free_minutes, increment_minutes, daily_cap_minor: daily_cap },
      }),
    ),
  )
}

export function newLotValues(setup: Pick<Setup, 'currency' | 'time_zone'>): LotValues {
  return {
    name: '',
    address: '',
    city: '',
    pin_code: '',
    latitude: '',
    longitude: '',
    time_zone: setup.time_zone,
    currency: setup.currency,
    price: '',
    number_of_spots: '',
    free_minutes: '0',
    increment_minutes: '1',
    daily_cap: '',
  }
}

export function lotValues(lot: Lot): LotValues {
  return {
    name: lot.name,
    address: lot.address ?? '',
    city: lot.city ?? '',
    pin_code: lot.pin_code ?? '',
    latitude: lot.latitude == null ? '' : String(lot.latitude),
    longitude: lot.longitude == null ? '' : String(lot.longitude),
    time_zone: lot.time_zone,
    currency: lot.currency,
    price: toMajorText(lot.price_per_hour_minor, lot.currency),
    number_of_spots: String(lot.number_of_spots),
    free_minutes: String(lot.tariff.free_minutes),
    increment_minutes: String(lot.tariff.increment_minutes),
    daily_cap:
      lot.tariff.daily_cap_minor == null
        ? ''
        : toMajorText(lot.tariff.daily_cap_minor, lot.currency),
  }
}

/** Only what differs is sent, so two operators who edit different things do not undo each other. */
export function changeOf(lot: Lot, wanted: Required<NewLot>): LotChange {
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value ?? null) !== JSON.stringify(currentOf(lot, name))
  return Object.fromEntries(Object.entries(wanted).filter(differs)) as LotChange
}

function currentOf(lot: Lot, name: string): unknown {
  if (name !== 'tariff') return (lot as unknown as Record<string, unknown>)[name] ?? null
  const { free_minutes, increment_minutes, daily_cap_minor } = lot.tariff
  return { free_minutes, increment_minutes, daily_cap_minor: daily_cap_minor ?? null }
}

/** The server speaks of `price_per_hour_minor` and `tariff.free_minutes`; the form has `price` and `free_minutes`. */
export function fieldOfServer(field: string): string {
  const name = field.replace(/^tariff\./, '').replace(/_minor$/, '')
  return name === 'price_per_hour' ? 'price' : name
}
