// What the search box lists, and where each leads.
import type { RouteLocationRaw } from 'vue-router'
import type { Booking, Found } from '@/api/types'
import { displayPlate } from '@/lib/plate'

/** The first lots, before anything is typed, come with their city. */
export type Finding = Omit<Found, 'lots'> & {
  lots: readonly { id: string; name: string; city?: string | null }[]
}

export interface Entry {
  id: string
  label: string
  side: string
  status?: Booking['status']
  to: RouteLocationRaw
}

export interface Group {
  name: 'pages' | 'lots' | 'bookings' | 'people'
  entries: Entry[]
}

export function groupsOf(found: Finding, words: { noPlate: string }): Group[] {
  const lots = found.lots.map(({ id, name, city }) => ({
    id,
    label: name,
    side: city ?? '',
    to: { name: 'admin-lot', params: { id } },
  }))
  const bookings = found.bookings.map((booking) => {
    const { id, reference, lot, spot, status, vehicle_plate: plate } = booking
    return {
      id,
      label: plate ? displayPlate(plate) : words.noPlate,
      side: [reference, lot.name, spot.label].join(' · '),
      status,
      // The list of this vehicle, where it can be released; without a plate only the booking itself.
      to: plate
        ? { name: 'admin-bookings', query: { plate } }
        : { name: 'receipt', params: { id } },
    }
  })
  const people = found.users.map(({ id, name, email }) => ({
    id,
    label: name,
    side: email,
    to: { name: 'admin-users', query: { q: email } },
  }))
  return [
    { name: 'lots', entries: lots },
    { name: 'bookings', entries: bookings },
    { name: 'people', entries: people },
  ]
}

const compact = (text: string) => text.toLowerCase().replace(/[\s.-]/g, '')

/** Only entries in which these letters stand, and only groups that have some. */
export function narrowed(groups: readonly Group[], typed: string): Group[] {
  const wanted = compact(typed)
  const fits = ({ label, side }: Entry) => compact(`${label} ${side}`).includes(wanted)
  return filled(groups.map((group) => ({ ...group, entries: group.entries.filter(fits) })))
}

export function filled(groups: readonly Group[]): Group[] {
  return groups.filter(({ entries }) => entries.length > 0)
}
