// Months of a calendar, as in "2026-10".

export function monthOf(moment: Date): string {
  return `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, '0')}`
}

export const isMonth = (text: string) => /^\d{4}-(?:0[1-9]|1[0-2])$/.test(text)

export function addMonths(month: string, months: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return monthOf(new Date(year, number - 1 + months))
}
