// Wishes as a form has them, and what of them is to be sent.
import type { Preferences } from '@/api/types'

/** An empty text stands for none. The language has a form of its own. */
export type Wishes = Omit<Preferences, 'language' | 'time_zone' | 'chat_webhook_url'> & {
  time_zone: string
  chat_webhook_url: string
}

export function wishesOf(kept: Preferences): Wishes {
  const { reminders_by, remind_open, remind_news, receipts, monthly_reports } = kept
  const switches = { remind_open, remind_news, receipts, monthly_reports }
  const { time_zone, chat_webhook_url } = kept
  return {
    ...switches,
    reminders_by,
    time_zone: time_zone ?? '',
    chat_webhook_url: chat_webhook_url ?? '',
  }
}

/** Only what differs is sent: the rest may have been changed elsewhere, by the link in a mail. */
export function changesOf(wishes: Wishes, kept: Preferences): Partial<Preferences> {
  const orNone = (text: string) => (text.trim() === '' ? null : text.trim())
  const wanted: Omit<Preferences, 'language'> = {
    ...wishes,
    time_zone: orNone(wishes.time_zone),
    // Its field is hidden unless reminders come by chat.
    chat_webhook_url:
      wishes.reminders_by === 'chat' ? orNone(wishes.chat_webhook_url) : kept.chat_webhook_url,
  }
  const names = Object.keys(wanted) as (keyof typeof wanted)[]
  return Object.fromEntries(
    names.filter((name) => wanted[name] !== kept[name]).map((name) => [name, wanted[name]]),
  )
}
