import { describe, expect, it } from 'vitest'
import { everyNth, HEAT_STEPS, heatScale, labelPx, roundTicks } from './scale'

describe('the ticks of an axis', () => {
  it.each([
    [0.47, [0, 0.1, 0.2, 0.3, 0.4, 0.5]],
    [18_420, [0, 5_000, 10_000, 15_000, 20_000]],
    [7, [0, 2, 4, 6, 8]],
  ])('of %d are few, round, and reach it', (max, ticks) => {
    expect(roundTicks(max)).toEqual(ticks)
  })

  it('of nothing still make an axis', () => {
    expect(roundTicks(0).at(-1)).toBe(1)
  })

  it.each([1, 2, 3, 5, 11, 130])('of %d counted things are whole', (max) => {
    const ticks = roundTicks(max, { whole: true })
    expect(ticks.every(Number.isInteger)).toBe(true)
    expect(ticks[0]).toBe(0)
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(max)
    expect(new Set(ticks).size).toBe(ticks.length)
  })
})

describe('the labels of an axis', () => {
  it.each([
    [14, 700, 45, 1],
    [14, 300, 45, 3],
    [24, 300, 45, 4],
    [90, 300, 45, 16],
    [5, 10, 45, 6],
  ])('%d in %d px, each %d px: every %d.', (count, room, each, step) => {
    expect(everyNth(count, room, each)).toBe(step)
  })

  it('need room by their longest', () => {
    expect(labelPx(['₹5K', '₹12.5K'])).toBeGreaterThan(labelPx(['₹5K']))
    expect(labelPx(['नवं'])).toBe(labelPx(['ab']))
  })
})

describe('the scale of heat', () => {
  it('has equal steps up to a round number', () => {
    const { step, top } = heatScale(0.55)
    expect(top).toBe(0.6)
    expect([0.05, 0.15, 0.25, 0.35, 0.45, 0.55].map(step)).toEqual([1, 2, 3, 4, 5, HEAT_STEPS])
  })

  it('tells nothing from little', () => {
    const { step } = heatScale(10)
    expect(step(0)).toBe(0)
    expect(step(0.001)).toBe(1)
  })

  it('copes with an empty week', () => {
    expect(heatScale(0).step(0)).toBe(0)
  })
})
