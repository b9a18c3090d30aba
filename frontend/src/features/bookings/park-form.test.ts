import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Booking, Vehicle } from '@/api/types'
import { canRemember, firstChoice, isNew, parkSchema } from './park-form'

const vehicle = (plate: string) => ({ id: plate, plate, name: null }) as unknown as Vehicle
const parked = (plate: string | null) => ({ vehicle_plate: plate }) as Booking
const mine = [vehicle('MH12AB1234'), vehicle('KA01ZZ9999')]

describe('the form to park with', () => {
  it('begins with the default vehicle, unless it is parked already', () => {
    expect(firstChoice(mine, [])).toBe('MH12AB1234')
    expect(firstChoice(mine, [parked(null), parked('MH12AB1234')])).toBe('KA01ZZ9999')
    expect(
      firstChoice(
        mine,
        mine.map(({ plate }) => parked(plate)),
      ),
    ).toBe('')
    expect(firstChoice([], [])).toBe('')
  })

  it.each([
    [
      { chosen: 'MH12AB1234', vehicle_plate: '', remember: true },
      { vehicle_plate: 'MH12AB1234', remember: false },
    ],
    [
      { chosen: '', vehicle_plate: ' ka 01 zz 1 ', remember: true },
      { vehicle_plate: 'KA 01 ZZ 1', remember: true },
    ],
    [
      { chosen: '', vehicle_plate: ' ', remember: true },
      { vehicle_plate: null, remember: true },
    ],
    [
      { chosen: 'MH12AB1234', vehicle_plate: 'X'.repeat(30), remember: false },
      { vehicle_plate: 'MH12AB1234', remember: false },
    ],
  ])('%o parks %o', (typed, expected) => {
    expect(v.parse(parkSchema, typed)).toEqual(expected)
  })

  it('says what is wrong at the plate', () => {
    const typed = { chosen: '', vehicle_plate: 'X'.repeat(30), remember: false }
    const issue = v.safeParse(parkSchema, typed).issues?.[0]
    expect(issue?.message).toBe('park.plate_invalid')
    expect(issue && v.getDotPath(issue)).toBe('vehicle_plate')
  })

  it('knows a vehicle again however it is typed, and when there is no room for one more', () => {
    expect(isNew('mh 12-ab 1234', mine)).toBe(false)
    expect(isNew('MH 12 AB 1235', mine)).toBe(true)
    expect(canRemember(Array.from({ length: 20 }, (_, n) => vehicle(`A${n}`)))).toBe(false)
  })
})
