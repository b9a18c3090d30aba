import { describe, expect, it } from 'vitest'
import { moveTo } from './grid-keys'

const lines = ['A01 A02 A03 A04 A05', 'A06 A07', 'B01 B02 B03 B04 B05', 'B06'].map((line) =>
  line.split(' ').map((id) => ({ id })),
)
const from = (id: string, key: string, ctrlKey = false) => moveTo(lines, id, { key, ctrlKey })

describe('a key in a grid', () => {
  it.each([
    ['A01', 'ArrowRight', 'A02'],
    ['A05', 'ArrowRight', 'A06'],
    ['A07', 'ArrowRight', 'B01'],
    ['B06', 'ArrowRight', 'B06'],
    ['A06', 'ArrowLeft', 'A05'],
    ['A01', 'ArrowLeft', 'A01'],
    ['A02', 'ArrowDown', 'A07'],
    ['A04', 'ArrowDown', 'A07'],
    ['B04', 'ArrowUp', 'A07'],
    ['A01', 'ArrowUp', 'A01'],
    ['A03', 'Home', 'A01'],
    ['A03', 'End', 'A05'],
    ['A02', 'PageDown', 'B06'],
    ['B06', 'PageUp', 'A01'],
  ])('%s %s leads to %s', (id, key, expected) => {
    expect(from(id, key)).toBe(expected)
  })

  it('Ctrl with Home and End leads to the ends of the grid', () => {
    expect(from('B02', 'Home', true)).toBe('A01')
    expect(from('A02', 'End', true)).toBe('B06')
  })

  it('leaves other keys and unknown cells alone', () => {
    expect(from('A01', 'x')).toBeNull()
    expect(from('Q99', 'ArrowDown')).toBeNull()
  })
})
