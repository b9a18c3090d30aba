import { describe, expect, it } from 'vitest'
import type { Found } from '@/api/types'
import { filled, groupsOf, narrowed } from './entries'

const booking = (id: string, vehicle_plate: string | null) => ({
  id,
  reference: 'K7MQ4P',
  lot: { id: 'lot', name: 'Central Station' },
  spot: { id: 'spot', label: 'A12' },
  status: 'open',
  vehicle_plate,
})
const found = {
  lots: [{ id: 'lot', name: 'Central Station' }],
  bookings: [booking('one', 'MH20AB1941'), booking('two', null)],
  users: [{ id: 'ravi', name: 'Ravi Deshpande', email: 'ravi@example.com' }],
} as unknown as Found
const groups = groupsOf(found, { noPlate: 'No plate' })
const idsOf = (list: typeof groups) =>
  list.map(({ name, entries }) => [name, entries.map(({ id }) => id)])

describe('what the search box lists', () => {
  it('names a booking by its plate, and leads to the list of that vehicle', () => {
    expect(groups[1]?.entries[0]).toEqual({
      id: 'one',
      label: 'MH 20 AB 1941',
      side: 'K7MQ4P · Central Station · A12',
      status: 'open',
      to: { name: 'admin-bookings', query: { plate: 'MH20AB1941' } },
    })
  })

  it('leads to the booking itself when it has no plate', () => {
    expect(groups[1]?.entries[1]).toMatchObject({
      label: 'No plate',
      to: { name: 'receipt', params: { id: 'two' } },
    })
  })

  it('keeps of an older answer what still fits, however plates are written', () => {
    expect(idsOf(narrowed(groups, 'mh-20 ab'))).toEqual([['bookings', ['one']]])
    expect(idsOf(narrowed(groups, 'ravi@'))).toEqual([['people', ['ravi']]])
    expect(narrowed(groups, 'zzz')).toEqual([])
  })

  it('leaves out empty groups', () => {
    const none = groupsOf({ lots: [], bookings: [], users: found.users }, { noPlate: '' })
    expect(idsOf(filled(none))).toEqual([['people', ['ravi']]])
  })
})
