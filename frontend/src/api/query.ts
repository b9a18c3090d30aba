// Server state: one cache, its keys, and when a failed read is tried again.
import { QueryClient } from '@tanstack/vue-query'
import { isProblem } from './problem'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // An answer is replaced, never changed: its thousands of parts need no watching.
      shallow: true,
      // Without a network a read fails and says so, instead of waiting for ever; it is tried again when the network is back.
      networkMode: 'always',
      refetchOnReconnect: true,
      retry: (count, error) => count < 2 && isProblem(error, 'network', 'busy'),
      retryDelay: (attempt) => 500 * 2 ** attempt,
    },
    mutations: { networkMode: 'always', retry: false },
  },
})

export const keys = {
  setup: ['setup'] as const,
  lots: ['lots'] as const,
  lotList: (filter: object, reader = 'driver') => ['lots', 'list', filter, reader] as const,
  lot: (id: string) => ['lots', 'detail', id] as const,
  quote: (id: string, minutes: number) => ['quotes', id, minutes] as const,
  spots: (lotId: string) => ['spots', lotId] as const,
  adminSpots: (lotId: string) => ['admin', 'spots', lotId] as const,
  bookings: ['bookings'] as const,
  openBookings: ['bookings', 'open'] as const,
  bookingList: (filter: object) => ['bookings', 'list', filter] as const,
  usualLot: ['bookings', 'usual-lot'] as const,
  booking: (id: string) => ['bookings', 'detail', id] as const,
  ownStats: ['bookings', 'stats'] as const,
  me: ['me'] as const,
  vehicles: ['me', 'vehicles'] as const,
  sessions: ['me', 'sessions'] as const,
  task: (id: string) => ['tasks', id] as const,
  reports: ['reports'] as const,
  report: (month: string) => ['reports', month] as const,
  adminOverview: ['admin', 'overview'] as const,
  adminStats: (filter: object) => ['admin', 'stats', filter] as const,
  adminSettings: ['admin', 'settings'] as const,
  adminSearch: (q: string) => ['admin', 'search', q] as const,
  adminBookings: (filter: object) => ['admin', 'bookings', filter] as const,
  adminUsers: (filter: object) => ['admin', 'users', filter] as const,
  adminTasks: (filter: object) => ['admin', 'tasks', filter] as const,
  adminSchedules: ['admin', 'schedules'] as const,
  adminMails: (filter: object) => ['admin', 'mails', filter] as const,
  adminMail: (id: string) => ['admin', 'mails', 'detail', id] as const,
  adminReports: ['admin', 'reports'] as const,
  adminReport: (month: string) => ['admin', 'reports', month] as const,
  adminAudit: (filter: object) => ['admin', 'audit', filter] as const,
}

const PRIVATE = ['bookings', 'spots', 'admin', 'me', 'tasks', 'reports']

/** What belongs to a person leaves with them; the public lots stay. */
export function forgetPrivateData(client = queryClient): void {
  for (const root of PRIVATE) client.removeQueries({ queryKey: [root] })
}

export function readPrivateDataAnew(client = queryClient): void {
  for (const root of PRIVATE) void client.resetQueries({ queryKey: [root] })
}
