// A table as a file for a spreadsheet (RFC 4180).
import type { ChartTable, Raw } from './types'

/** Excel reads UTF-8 only when it is told so. */
const BYTE_ORDER_MARK = '\uFEFF'

/** A spreadsheet would calculate such a cell; with an apostrophe in front it is text. The server's files do the same. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

function cell(value: Raw): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function toCsv({ columns, rows }: ChartTable): string {
  const lines = [
    columns.map(({ name }) => name),
    ...rows.map((row) => row.map((value, index) => columns[index]?.file?.(value) ?? value)),
  ]
  return BYTE_ORDER_MARK + lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('')
}

/** "parking-revenue-2026-10-01-2026-10-31.csv": what, and of which time. */
export function csvName(...parts: (string | undefined)[]): string {
  const words = ['parking', ...parts].join(' ').toLowerCase()
  return `${words.match(/[a-z0-9]+/g)?.join('-') ?? ''}.csv`
}
