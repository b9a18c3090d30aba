// What plates and names of vehicles may be. Messages are keys of the translations.
import * as v from 'valibot'
import { isPlate, normalisePlate } from '@/lib/plate'

const NAME_MAX = 40
/** How many the server keeps for one account. */
export const VEHICLES_MAX = 20

/** The name under which what is typed of a vehicle is kept. */
export const vehicleDraft = (id = 'new') => `vehicle:${id}`

const typed = v.pipe(v.string(), v.transform(normalisePlate))

export const plate = v.pipe(
  typed,
  v.nonEmpty('park.plate_missing'),
  v.check(isPlate, 'park.plate_invalid'),
)
export const plateOrNone = v.pipe(
  typed,
  v.check((text) => text === '' || isPlate(text), 'park.plate_invalid'),
  v.transform((text) => (text === '' ? null : text)),
)
export const vehicleName = v.pipe(
  v.string(),
  v.trim(),
  v.maxLength(NAME_MAX, 'vehicles.name_long'),
  v.transform((text) => (text === '' ? null : text)),
)
