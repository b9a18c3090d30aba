import { fireEvent, render, screen, within } from '@testing-library/vue'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { h } from 'vue'
import { i18n } from '@/i18n'
import { saveFile } from '@/lib/download'
import BarChart from './BarChart.vue'
import ChartCard from './ChartCard.vue'
import HeatMap from './HeatMap.vue'
import LineChart from './LineChart.vue'
import type { ChartPoint, ChartTable } from './types'

vi.mock('@/lib/download', () => ({ saveFile: vi.fn() }))

const points: ChartPoint[] = ['Mon', 'Tue', 'Wed'].map((label, index) => ({
  key: label,
  label,
  name: `${label}day`,
  values: [index * 10, index * 20],
  told: [`₹${index * 10}`, `${index} bookings`],
}))
const cell = (name: string) => screen.getByRole('gridcell', { name })
const press = (key: string, ctrlKey = false) =>
  fireEvent.keyDown(document.activeElement as Element, { key, ctrlKey })
const tip = () => document.querySelector('[data-tip]')?.textContent

beforeEach(() => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe = vi.fn()
      disconnect = vi.fn()
    },
  )
})

describe.each([
  ['bars', BarChart],
  ['lines', LineChart],
])('a chart of %s', (_, chart) => {
  const show = () =>
    render(chart, {
      props: { label: 'Revenue', points, tick: String },
      global: { plugins: [i18n] },
    })

  it('is one tab stop that tells each point', async () => {
    show()
    expect(screen.getByRole('grid', { name: 'Revenue' })).toBeTruthy()
    expect(screen.getAllByRole('gridcell').map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1])
    cell('Monday, ₹0, 0 bookings').focus()
    await press('ArrowRight')
    expect(document.activeElement).toBe(cell('Tueday, ₹10, 1 bookings'))
    expect(cell('Tueday, ₹10, 1 bookings').tabIndex).toBe(0)
    await press('End')
    expect(document.activeElement).toBe(cell('Wedday, ₹20, 2 bookings'))
    await press('ArrowRight')
    expect(document.activeElement).toBe(cell('Wedday, ₹20, 2 bookings'))
    await press('Home')
    expect(document.activeElement).toBe(cell('Monday, ₹0, 0 bookings'))
  })

  it('shows the point that is looked at, until Escape', async () => {
    show()
    expect(tip()).toBeUndefined()
    await fireEvent.pointerMove(cell('Tueday, ₹10, 1 bookings'))
    expect(tip()).toContain('₹10')
    await fireEvent.pointerLeave(screen.getByRole('grid'), { pointerType: 'mouse' })
    expect(tip()).toBeUndefined()
    cell('Wedday, ₹20, 2 bookings').focus()
    await fireEvent.focusIn(cell('Wedday, ₹20, 2 bookings'))
    expect(tip()).toContain('₹20')
    await press('Escape')
    expect(tip()).toBeUndefined()
  })
})

describe('a heat map', () => {
  const axis = (names: string[]) => names.map((name) => ({ key: name, label: name, name }))
  const show = () =>
    render(HeatMap, {
      props: {
        label: 'Busy hours',
        rows: axis(['Mon', 'Tue']),
        columns: axis(['9 am', '10 am', '11 am']),
        cells: [
          [0, 0.05, 0.55],
          [0.2, 0.3, 0.4],
        ].map((row) => row.map((value) => ({ value, told: [`${value * 100}%`] }))),
        tick: String,
      },
      global: { plugins: [i18n] },
    })

  it('is walked in both directions', async () => {
    show()
    cell('Mon, 9 am, 0%').focus()
    await press('ArrowDown')
    expect(document.activeElement).toBe(cell('Tue, 9 am, 20%'))
    await press('End')
    expect(document.activeElement).toBe(cell('Tue, 11 am, 40%'))
    await press('ArrowUp')
    expect(document.activeElement?.getAttribute('aria-label')).toMatch(/^Mon, 11 am/)
    await press('Home', true)
    expect(document.activeElement).toBe(cell('Mon, 9 am, 0%'))
  })

  it('tells more by lightness, and nothing from little', () => {
    show()
    const steps = screen.getAllByRole('gridcell').map((item) => Number(item.dataset.step))
    expect(steps).toEqual([0, 1, 6, 3, 4, 5])
  })
})

describe('the frame of a chart', () => {
  const table: ChartTable = {
    columns: [
      { name: 'Day' },
      {
        name: 'Revenue',
        numeric: true,
        text: (value) => `₹${Number(value) / 100}`,
        file: (value) => Number(value) / 100,
      },
    ],
    rows: [['2026-11-22', 1_250]],
  }
  const show = (more: object = {}) =>
    render(ChartCard, {
      props: { title: 'Revenue', table, file: 'parking-revenue.csv', ...more },
      slots: { default: () => h('p', 'the chart') },
      global: { plugins: [i18n] },
    })

  it('shows the same as a table', async () => {
    show()
    const toggle = screen.getByRole('button', { name: 'Show as table: Revenue' })
    expect(toggle.getAttribute('aria-pressed')).toBe('false')
    await fireEvent.click(toggle)
    expect(toggle.getAttribute('aria-pressed')).toBe('true')
    expect(screen.queryByText('the chart')).toBeNull()
    const row = within(screen.getByRole('table', { name: 'Revenue' })).getAllByRole('row')[1]
    expect(row?.textContent).toMatch(/2026-11-22\s*₹12.5/)
  })

  it('saves the same as a file', async () => {
    show()
    await fireEvent.click(screen.getByRole('button', { name: 'Save as CSV: Revenue' }))
    const [blob, name] = vi.mocked(saveFile).mock.calls[0] ?? []
    expect(name).toBe('parking-revenue.csv')
    expect(await blob?.text()).toBe('\uFEFFDay,Revenue\r\n2026-11-22,12.5\r\n')
  })

  it('says when there is nothing, and offers nothing', () => {
    show({ empty: true })
    expect(screen.getByText('Nothing parked in this time yet')).toBeTruthy()
    expect(screen.queryByRole('button')).toBeNull()
  })

  it('lets a failed read be tried again', async () => {
    const { emitted } = show({ error: new Error('x') })
    await fireEvent.click(screen.getByRole('button', { name: 'Try again: Revenue' }))
    expect(emitted('retry')).toHaveLength(1)
  })
})
