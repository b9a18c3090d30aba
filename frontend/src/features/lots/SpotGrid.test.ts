import { fireEvent, render, screen } from '@testing-library/vue'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { i18n } from '@/i18n'
import type { GridSpot } from './spot-grid'
import SpotGrid from './SpotGrid.vue'

const spots: GridSpot[] = Array.from({ length: 12 }, (_, index) => {
  const label = `A${String(index + 1).padStart(2, '0')}`
  return { id: label, label, status: index === 1 ? 'occupied' : 'free' }
})

function show(openable = true) {
  return render(SpotGrid, {
    props: {
      spots,
      label: 'Spots',
      nameOf: (spot: GridSpot) => `${spot.label}, ${spot.status}`,
      openable,
    },
    global: { plugins: [i18n] },
  })
}
const cell = (name: string) => screen.getByRole('gridcell', { name })

describe('the spot grid on the page', () => {
  beforeEach(() => {
    vi.stubGlobal(
      'ResizeObserver',
      class {
        observe = vi.fn()
        disconnect = vi.fn()
      },
    )
    vi.stubGlobal('innerWidth', 400)
  })

  it('is one tab stop, and names each spot', () => {
    show()
    const stops = screen.getAllByRole('gridcell').filter((item) => item.tabIndex === 0)
    expect(stops).toEqual([cell('A01, free')])
    expect(cell('A02, occupied').tabIndex).toBe(-1)
  })

  it('moves the focus with the arrows and opens with Enter', async () => {
    const { emitted } = show()
    cell('A01, free').focus()
    await fireEvent.keyDown(cell('A01, free'), { key: 'ArrowRight' })
    expect(document.activeElement).toBe(cell('A02, occupied'))
    await fireEvent.keyDown(cell('A02, occupied'), { key: 'ArrowDown' })
    expect(document.activeElement).toBe(cell('A07, free'))
    expect(cell('A07, free').tabIndex).toBe(0)
    await fireEvent.keyDown(cell('A07, free'), { key: 'Enter' })
    expect(emitted('open')).toEqual([[spots[6]]])
  })

  it('opens nothing for a driver', async () => {
    const { emitted } = show(false)
    await fireEvent.keyDown(cell('A01, free'), { key: 'Enter' })
    await fireEvent.click(cell('A01, free'))
    expect(emitted('open')).toBeUndefined()
  })
})
