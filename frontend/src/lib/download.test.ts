import { expect, it } from 'vitest'
import { fileName } from './download'

it('a file is called as the server says', () => {
  expect(fileName('attachment; filename="parking-operations-2026-10.pdf"')).toBe(
    'parking-operations-2026-10.pdf',
  )
  expect(fileName('attachment; filename=bookings.csv; size=3')).toBe('bookings.csv')
  expect(fileName(null)).toBe('download')
})
