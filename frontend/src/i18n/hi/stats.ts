import type { stats as english } from '../en/stats'

export const stats: typeof english = {
  figures: {
    hour: 'घंटा',
    parked_average: 'औसतन पार्क',
    parked: '{n} पार्क',
    started: '{bookings} शुरू',
  },
}
