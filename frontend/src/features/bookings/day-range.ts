/** The first instant of a day of the reader's calendar ("2026-11-22"), for `from`; empty when it is no day. */
export function startOfDay(day: string): string {
  return instantOf(day, 0)
}

/** The first instant after that day, for `to`. */
export function endOfDay(day: string): string {
  return instantOf(day, 1)
}

function instantOf(day: string, addDays: number): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day)
  if (!match) return ''
  const moment = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + addDays)
  return Number.isNaN(moment.getTime()) ? '' : moment.toISOString()
}
