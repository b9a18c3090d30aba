import { describe, expect, it } from 'vitest'
import type { FieldChange } from '@/api/types'
import { takenApart } from './changes'
import { COLUMNS, templateCsv } from './columns'

const change = (field: string, before: unknown, after: unknown) =>
  ({ field, before, after }) as unknown as FieldChange

describe('the template', () => {
  it('has a header with the needed columns first, and one example', () => {
    const [header, example, rest] = templateCsv().split('\r\n')
    expect(header).toMatch(/^lot,name,number_of_spots,address,/)
    expect(header?.split(',')).toHaveLength(COLUMNS.length)
    expect(example).toContain('"Platform Road 1, North Gate"')
    expect(rest).toBe('')
  })
})

describe('a change of a tariff', () => {
  it('is told by what differs in it', () => {
    const before = { free_minutes: 0, increment_minutes: 1, daily_cap_minor: null }
    const after = { free_minutes: 10, increment_minutes: 1, daily_cap_minor: 50_000 }
    expect(takenApart([change('name', 'A', 'B'), change('tariff', before, after)])).toEqual([
      { field: 'name', before: 'A', after: 'B' },
      { field: 'free_minutes', before: 0, after: 10 },
      { field: 'daily_cap_minor', before: null, after: 50_000 },
    ])
  })
})
