// What wants attention: how it looks, and where it is put right.
import type { Attention } from '@/api/types'
import {
  CalendarOff,
  CarFront,
  Hourglass,
  ListX,
  MailWarning,
  MailX,
  TrafficCone,
} from '@lucide/vue'
import type { Component } from 'vue'
import type { RouteLocationRaw } from 'vue-router'

interface Look {
  icon: Component
  tone: 'danger' | 'warn' | 'neutral'
  to: (item: Attention) => RouteLocationRaw
}

const failed = { status: 'failed' }
const toLot = ({ lot }: Attention): RouteLocationRaw =>
  lot ? { name: 'admin-lot', params: { id: lot.id } } : { name: 'admin-lots' }

function toStay({ booking_id: id, count }: Attention): RouteLocationRaw {
  if (id && count === 1) return { name: 'receipt', params: { id } }
  return { name: 'admin-bookings', query: { status: 'open' } }
}

export const LOOKS: Record<Attention['kind'], Look> = {
  task_failed: {
    icon: ListX,
    tone: 'danger',
    to: () => ({ name: 'admin-tasks', query: failed }),
  },
  mail_refused: {
    icon: MailX,
    tone: 'danger',
    to: () => ({ name: 'admin-mails', query: failed }),
  },
  lot_full: { icon: CarFront, tone: 'warn', to: toLot },
  long_stay: { icon: Hourglass, tone: 'warn', to: toStay },
  no_mail_server: { icon: MailWarning, tone: 'warn', to: () => ({ name: 'admin-mails' }) },
  schedule_off: { icon: CalendarOff, tone: 'neutral', to: () => ({ name: 'admin-tasks' }) },
  spots_out_of_service: { icon: TrafficCone, tone: 'neutral', to: toLot },
}

/** What a newer server tells and we have no words for is left out. */
export const isKnown = ({ kind }: Attention) => kind in LOOKS
