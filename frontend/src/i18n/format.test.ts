import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { i18n } from '.'
import { useFormat } from './format'
import { hi } from './hi'

describe('formats', () => {
  it.each([
    [0, '00:00:00'],
    [3_999, '00:00:03'],
    [3_849_000, '01:04:09'],
    [360_000_000, '100:00:00'],
    [-5, '00:00:00'],
  ])('%i ms on the clock read %s', (elapsed, expected) => {
    expect(useFormat().clock(elapsed)).toBe(expected)
  })

  it.each([
    [0, '0 min'],
    [45, '45 min'],
    [60, '1 h'],
    [1_505, '1 d 1 h 5 min'],
    [2_880, '2 d'],
  ])('%i minutes last %s', (minutes, expected) => {
    expect(useFormat().duration(minutes)).toBe(expected)
  })

  it.each([
    [244, '240 m'],
    [1_940, '1.9 km'],
    [18_300, '18 km'],
  ])('%i metres are %s', (metres, expected) => {
    expect(useFormat().distance(metres)).toBe(expected)
  })

  it.each([
    [212, '1 kB'],
    [48_100, '49 kB'],
    [1_310_000, '1.3 MB'],
  ])('%i bytes are %s', (bytes, expected) => {
    expect(useFormat().fileSize(bytes)).toBe(expected)
  })

  it.each([
    [-5, 'now'],
    [3, '3 sec ago'],
    [59, '59 sec ago'],
    [185, '3 min ago'],
    [7_199, '1 hr ago'],
    [86_400, 'yesterday'],
    [1_200_000, '13 days ago'],
  ])('%i seconds ago are %s', (seconds, expected) => {
    // Some write "sec." there.
    expect(useFormat().ago(seconds).replace('.', '')).toBe(expected)
  })

  it('amounts of several currencies stand one after the other', () => {
    const { amounts } = useFormat()
    const [rupees, dollars] = [
      { amount_minor: 6_000, currency: 'INR' },
      { amount_minor: 500, currency: 'USD' },
    ]
    expect(amounts([])).toBe('')
    expect(amounts([rupees])).toBe('₹60.00')
    expect(amounts([rupees, dollars])).toBe('₹60.00, $5.00')
  })

  it('sentences follow each other', () => {
    expect(useFormat().sentences(['One'])).toBe('One')
    expect(useFormat().sentences(['One', 'Two', 'Three'])).toBe('One. Two. Three')
  })

  it('days and months are those of the calendar, wherever the reader is', () => {
    expect(useFormat().month('2026-10')).toBe('October 2026')
    expect(useFormat().monthName('2026-10')).toBe('October')
    expect(useFormat().day('2026-10-05')).toMatch(/5/)
    expect(useFormat().hours(750)).toBe('12.5 h')
    expect(useFormat().change(0.27)).toBe('+27%')
  })

  it('says the day only when it is another, and the year only when it is another', () => {
    const now = new Date(2026, 10, 22, 18, 0)
    const { when } = useFormat()
    expect(when(new Date(2026, 10, 22, 14, 20).getTime(), now)).not.toMatch(/Nov/)
    expect(when(new Date(2026, 10, 21, 14, 20).getTime(), now)).toMatch(/Nov/)
    expect(when(new Date(2026, 10, 21, 14, 20).getTime(), now)).not.toMatch(/2026/)
    expect(when(new Date(2025, 10, 21, 14, 20).getTime(), now)).toMatch(/2025/)
  })
})

describe('formats in Hindi', () => {
  beforeAll(() => {
    i18n.global.setLocaleMessage('hi', hi)
    i18n.global.locale.value = 'hi'
  })
  afterAll(() => {
    i18n.global.locale.value = 'en'
  })

  it('count in the singular from zero to one', () => {
    const { duration, hours, wholeHours } = useFormat()
    expect([0, 60, 120].map(duration)).toEqual(['0 मिनट', '1 घंटा', '2 घंटे'])
    expect(duration(1_505)).toBe('1 दिन 1 घंटा 5 मिनट')
    expect(hours(750)).toBe('12.5 घंटे')
    expect(wholeHours(24)).toBe('24 घंटे')
  })

  it('group by lakh and crore, in the digits that signs in India have', () => {
    const { clock, money, number, percent } = useFormat()
    expect(money(123_456_750, 'INR')).toBe('₹12,34,567.50')
    expect(number(1_234_567)).toBe('12,34,567')
    expect(percent(0.27)).toBe('27%')
    expect(clock(3_849_000)).toBe('01:04:09')
  })

  it('name months, units and times in Hindi', () => {
    const { ago, distance, month } = useFormat()
    expect(month('2026-11')).toBe('नवंबर 2026')
    expect(distance(1_940)).toBe('1.9 कि॰मी॰')
    expect(ago(3)).toBe('3 सेकंड पहले')
    expect(ago(125)).toBe('2 मिनट पहले')
  })

  it('sentences end in a danda', () => {
    expect(useFormat().sentences(['एक', 'दो'])).toBe('एक। दो')
  })
})
