import { describe, expect, it } from 'vitest'
import { csvName, toCsv } from './csv'

const table = (...rows: (string | number | null)[][]) =>
  toCsv({ columns: [{ name: 'Lot' }, { name: 'Revenue (INR)' }], rows })

describe('a table as CSV', () => {
  it('has a head, lines that end as RFC 4180 wants, and raw values', () => {
    expect(table(['Central', 1234.5], ['Old Market', null])).toBe(
      '\uFEFFLot,Revenue (INR)\r\nCentral,1234.5\r\nOld Market,\r\n',
    )
  })

  it('quotes what would break a line or a cell', () => {
    expect(table(['A, B', 1], ['"Q"', 2], ['two\nlines', 3])).toContain(
      '"A, B",1\r\n"""Q""",2\r\n"two\nlines",3\r\n',
    )
  })

  it.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx', '＝1'])(
    'makes the formula %j text',
    (formula) => {
      const text = `'${formula}`
      expect(table([formula, 1])).toContain(formula.includes('\r') ? `"${text}",1` : `${text},1`)
    },
  )

  it('leaves a negative number a number', () => {
    expect(table(['Central', -5])).toContain('Central,-5')
  })
})

it('the name of the file says what and when', () => {
  expect(csvName('Busy hours', '2026-10-01', '2026-10-31')).toBe(
    'parking-busy-hours-2026-10-01-2026-10-31.csv',
  )
  expect(csvName('revenue', undefined, '../x')).toBe('parking-revenue-x.csv')
})
