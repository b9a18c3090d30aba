import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Lot } from '@/api/types'
import {
  changeOf,
  fieldOfServer,
  lotSchema,
  lotValues,
  newLotValues,
  type LotValues,
} from './lot-form'

const blank = newLotValues({ currency: 'INR', time_zone: 'Asia/Kolkata' })
const filled: LotValues = { ...blank, name: ' Central ', price: '60.50', number_of_spots: '12' }

function parse(values: LotValues) {
  return v.safeParse(lotSchema(values.currency), values)
}
function problems(values: LotValues): Record<string, string> {
  const { issues } = parse(values)
  return Object.fromEntries(
    (issues ?? []).map((issue) => [v.getDotPath(issue) ?? '', issue.message]),
  )
}

describe('the form of a lot', () => {
  it('says what a new lot needs', () => {
    expect(problems(blank)).toEqual({
      name: 'lots.name_missing',
      price: 'lots.price_invalid',
      number_of_spots: 'lots.spots_invalid',
    })
  })

  it('sends minor units, trimmed text and null for what is empty', () => {
    const result = parse({
      ...filled,
      daily_cap: '300',
      free_minutes: '10',
      increment_minutes: '15',
    })
    expect(result.success && result.output).toEqual({
      name: 'Central',
      address: null,
      city: null,
      pin_code: null,
      latitude: null,
      longitude: null,
      time_zone: 'Asia/Kolkata',
      currency: 'INR',
      number_of_spots: 12,
      price_per_hour_minor: 6_050,
      tariff: { free_minutes: 10, increment_minutes: 15, daily_cap_minor: 30_000 },
    })
  })

  it.each([
    ['price', '60.505', 'lots.price_invalid'],
    ['price', '99999999', 'lots.price_invalid'],
    ['daily_cap', 'much', 'lots.cap_invalid'],
    ['number_of_spots', '0', 'lots.spots_invalid'],
    ['number_of_spots', '1.5', 'lots.spots_invalid'],
    ['free_minutes', '1441', 'lots.free_minutes_invalid'],
    ['increment_minutes', '0', 'lots.increment_invalid'],
    ['time_zone', 'Mars/Olympus', 'lots.time_zone_invalid'],
    ['currency', 'rupees', 'lots.currency_invalid'],
  ] as const)('%s "%s" is refused', (field, value, message) => {
    expect(problems({ ...filled, [field]: value })).toMatchObject({ [field]: message })
  })

  it('wants both degrees, or neither', () => {
    expect(problems({ ...filled, latitude: '91', longitude: '72' })).toEqual({
      latitude: 'lots.latitude_invalid',
    })
    expect(problems({ ...filled, latitude: '18.9' })).toEqual({ '': 'lots.both_degrees' })
    expect(parse({ ...filled, latitude: '18.9398', longitude: '-72.8' }).success).toBe(true)
  })

  it('reads the amount in the digits of its currency', () => {
    const result = parse({ ...filled, currency: 'JPY', price: '500' })
    expect(result.success && result.output.price_per_hour_minor).toBe(500)
  })

  it('sends only what was changed', () => {
    const lot: Lot = {
      id: '1',
      name: 'Central',
      address: null,
      city: 'Mumbai',
      pin_code: null,
      latitude: 18.9,
      longitude: 72.8,
      time_zone: 'Asia/Kolkata',
      price_per_hour_minor: 6_000,
      currency: 'INR',
      tariff: { free_minutes: 0, increment_minutes: 1, daily_cap_minor: null },
      number_of_spots: 12,
      free_spots: 3,
      created_at: '',
      updated_at: '',
    }
    const same = parse(lotValues(lot))
    expect(same.success && changeOf(lot, same.output)).toEqual({})
    const other = parse({ ...lotValues(lot), price: '70', city: '', daily_cap: '300' })
    expect(other.success && changeOf(lot, other.output)).toEqual({
      price_per_hour_minor: 7_000,
      city: null,
      tariff: { free_minutes: 0, increment_minutes: 1, daily_cap_minor: 30_000 },
    })
  })

  it.each([
    ['price_per_hour_minor', 'price'],
    ['tariff.daily_cap_minor', 'daily_cap'],
    ['tariff.free_minutes', 'free_minutes'],
    ['name', 'name'],
  ])("the server's %s is the field %s", (server, field) => {
    expect(fieldOfServer(server)).toBe(field)
  })
})
