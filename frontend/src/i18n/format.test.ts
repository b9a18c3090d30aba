import { describe, expect, it } from 'vitest'
import { createApp, defineComponent, h } from 'vue'
import { i18n } from '.'
import { clockText, useFormat } from './format'

/** The formats as a component has them. */
function formats(): ReturnType<typeof useFormat> {
  let found: ReturnType<typeof useFormat> | undefined
  const Probe = defineComponent({
    setup() {
      found = useFormat()
      return () => h('i')
    },
  })
  createApp(Probe).use(i18n).mount(document.createElement('div'))
  if (!found) throw new Error('not mounted')
  return found
}

describe('formats', () => {
  it.each([
    [0, '00:00:00'],
    [3_999, '00:00:03'],
    [3_849_000, '01:04:09'],
    [360_000_000, '100:00:00'],
    [-5, '00:00:00'],
  ])('%i ms on the clock read %s', (elapsed, expected) => {
    expect(clockText(elapsed)).toBe(expected)
  })

  it.each([
    [0, '0 min'],
    [45, '45 min'],
    [60, '1 h'],
    [1_505, '1 d 1 h 5 min'],
    [2_880, '2 d'],
  ])('%i minutes last %s', (minutes, expected) => {
    expect(formats().duration(minutes)).toBe(expected)
  })

  it.each([
    [244, '240 m'],
    [1_940, '1.9 km'],
    [18_300, '18 km'],
  ])('%i metres are %s', (metres, expected) => {
    expect(formats().distance(metres)).toBe(expected)
  })

  it.each([
    [212, '1 kB'],
    [48_100, '49 kB'],
    [1_310_000, '1.3 MB'],
  ])('%i bytes are %s', (bytes, expected) => {
    expect(formats().fileSize(bytes)).toBe(expected)
  })

  it('days and months are those of the calendar, wherever the reader is', () => {
    expect(formats().month('2026-10')).toBe('October 2026')
    expect(formats().monthName('2026-10')).toBe('October')
    expect(formats().day('2026-10-05')).toMatch(/5/)
    expect(formats().hours(750)).toBe('12.5 h')
    expect(formats().change(0.27)).toBe('+27%')
  })

  it('says the day only when it is another, and the year only when it is another', () => {
    const now = new Date(2026, 10, 22, 18, 0)
    const { when } = formats()
    expect(when(new Date(2026, 10, 22, 14, 20).getTime(), now)).not.toMatch(/Nov/)
    expect(when(new Date(2026, 10, 21, 14, 20).getTime(), now)).toMatch(/Nov/)
    expect(when(new Date(2026, 10, 21, 14, 20).getTime(), now)).not.toMatch(/2026/)
    expect(when(new Date(2025, 10, 21, 14, 20).getTime(), now)).toMatch(/2025/)
  })
})
