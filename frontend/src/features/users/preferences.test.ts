import { describe, expect, it } from 'vitest'
import type { Preferences } from '@/api/types'
import { changesOf, wishesOf } from './preferences'

const kept: Preferences = {
  language: 'en',
  time_zone: null,
  reminders_by: 'mail',
  remind_open: true,
  remind_news: true,
  chat_webhook_url: null,
  receipts: false,
  monthly_reports: true,
}
const changes = (wanted: Partial<ReturnType<typeof wishesOf>>, before = kept) =>
  changesOf({ ...wishesOf(before), ...wanted }, before)

describe('of wishes', () => {
  it('nothing is sent while nothing differs', () => {
    expect(changes({})).toEqual({})
    expect(changes({ time_zone: '  ' })).toEqual({})
  })

  it('only what differs is sent', () => {
    const wanted = { receipts: true, remind_news: false }
    expect(changes(wanted)).toEqual(wanted)
    expect(changes({ time_zone: ' Asia/Dubai ' })).toEqual({ time_zone: 'Asia/Dubai' })
  })

  it('the language is left alone', () => {
    expect(changesOf(wishesOf(kept), { ...kept, language: 'hi' })).toEqual({})
  })

  it('an emptied field is none', () => {
    const there = { ...kept, time_zone: 'Asia/Dubai', reminders_by: 'chat' as const }
    expect(changes({ time_zone: '' }, there)).toEqual({ time_zone: null })
    expect(changes({ chat_webhook_url: '' }, { ...there, chat_webhook_url: 'x' })).toEqual({
      chat_webhook_url: null,
    })
  })

  it('a webhook that is not shown stays', () => {
    const there = { ...kept, reminders_by: 'chat' as const, chat_webhook_url: 'x' }
    expect(changes({ reminders_by: 'mail', chat_webhook_url: 'typed' }, there)).toEqual({
      reminders_by: 'mail',
    })
  })
})
