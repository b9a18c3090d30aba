// What a tap on "Start parking" parks: one of one's vehicles, another one, or none.
import * as v from 'valibot'
import type { Booking, Vehicle } from '@/api/types'
import { plateOrNone, VEHICLES_MAX } from '@/features/vehicles/forms'
import { samePlate } from '@/lib/plate'

/** '' stands for another one, whose plate is typed. */
export function firstChoice(vehicles: readonly Vehicle[], open: readonly Booking[]): string {
  const parked = parkedPlates(open)
  return vehicles.find(({ plate }) => !parked.includes(plate))?.plate ?? ''
}

export function parkedPlates(open: readonly Booking[]): string[] {
  return open.flatMap(({ vehicle_plate: plate }) => plate ?? [])
}

/** What was typed before one of the vehicles was chosen does not count. */
export const parkSchema = v.pipe(
  v.object({ chosen: v.string(), vehicle_plate: v.string(), remember: v.boolean() }),
  v.transform(({ chosen, vehicle_plate, remember }) => ({
    vehicle_plate: chosen === '' ? vehicle_plate : chosen,
    remember: chosen === '' && remember,
  })),
  v.object({ vehicle_plate: plateOrNone, remember: v.boolean() }),
)

export const canRemember = (vehicles: readonly Vehicle[]) => vehicles.length < VEHICLES_MAX

export function isNew(plate: string, vehicles: readonly Vehicle[]): boolean {
  return !vehicles.some((vehicle) => samePlate(vehicle.plate, plate))
}
