// The columns of a file of lots, with one lot as an example: the template and its explanation.

export const COLUMNS = [
  { name: 'lot', example: 'central', required: true },
  { name: 'name', example: 'Central Station', required: true },
  { name: 'number_of_spots', example: '120', required: true },
  { name: 'address', example: '"Platform Road 1, North Gate"' },
  { name: 'city', example: 'Mumbai' },
  { name: 'pin_code', example: '400001' },
  { name: 'latitude', example: '18.9398' },
  { name: 'longitude', example: '72.8355' },
  { name: 'time_zone', example: 'Asia/Kolkata' },
  { name: 'currency', example: 'INR' },
  { name: 'price_per_hour_minor', example: '6000' },
  { name: 'free_minutes', example: '10' },
  { name: 'increment_minutes', example: '30' },
  { name: 'daily_cap_minor', example: '50000' },
] as const

export const TEMPLATE_NAME = 'lots-template.csv'

/** RFC 4180: lines end with CRLF. */
export function templateCsv(): string {
  const line = (field: 'name' | 'example') => COLUMNS.map((column) => column[field]).join()
  return `${line('name')}\r\n${line('example')}\r\n`
}
