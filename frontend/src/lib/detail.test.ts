import { expect, it } from 'vitest'
import { detailText } from './detail'

it('names and values are read as words', () => {
  expect(detailText({ month: '2026-10', not_sent: 3, address: null })).toBe(
    'month: 2026-10, not sent: 3, address: null',
  )
  expect(detailText({ lots: [1, 2] })).toBe('lots: [1,2]')
})

it('nothing noted is no text', () => {
  expect(detailText(null)).toBe('')
  expect(detailText({})).toBe('')
})
