// Wishes as a form has them, and what of them is to be sent.
import type { Preferences } from '@/api/types'

/** An empty text stands for none. */
export type Wishes = Omit<Preferences, 'time_zone' | 'chat_webhook_url'> & {
  time_zone: string
  chat_webhook_url: string
}

export function wishesOf(kept: Preferences): Wishes {
  const { time_zone, chat_webhook_url } = kept
  return { ...kept, time_zone: time_zone ?? '', chat_webhook_url: chat_webhook_url ?? '' }
}

/** Only what differs is sent: the rest may have been changed elsewhere, by the link in a mail. */
export function changesOf(wishes: Wishes, kept: Preferences): Partial<Preferences> {
  const orNone = (text: string) => (text.trim() === '' ? null : text.trim())
  const wanted: Preferences = {
    ...wishes,
    time_zone: orNone(wishes.time_zone),
    // Its field is hidden unless reminders come by chat.
    chat_webhook_url:
      wishes.reminders_by === 'chat' ? orNone(wishes.chat_webhook_url) : kept.chat_webhook_url,
  }
  const names = Object.keys(wanted) as (keyof Preferences)[]
  return Object.fromEntries(
    names.filter((name) => wanted[name] !== kept[name]).map((name) => [name, wanted[name]]),
  )
}
