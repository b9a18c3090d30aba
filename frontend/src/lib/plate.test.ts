import { beforeEach, describe, expect, it } from 'vitest'
import {
  displayPlate,
  forgetPlates,
  isPlate,
  normalisePlate,
  rememberedPlates,
  rememberPlate,
} from './plate'

describe('number plates', () => {
  beforeEach(forgetPlates)

  it.each([
    ['MH20AB1941', 'MH 20 AB 1941'],
    ['DL1CAB1234', 'DL 1 CAB 1234'],
    ['21BH2345AA', '21 BH 2345 AA'],
    ['BMW1234', 'BMW1234'],
    ['B-MW 1234', 'B-MW 1234'],
  ])('%s reads %s', (plate, expected) => {
    expect(displayPlate(plate)).toBe(expected)
  })

  it('are kept in upper case with single spaces', () => {
    expect(normalisePlate('  mh 12   ab 1234 ')).toBe('MH 12 AB 1234')
  })

  it('are of any country, but not endless', () => {
    expect(isPlate('品川 500 あ 12-34')).toBe(true)
    expect(isPlate('MH 12 AB 1234')).toBe(true)
    expect(isPlate(' - ')).toBe(false)
    expect(isPlate('A'.repeat(21))).toBe(false)
  })

  it('remembers the last three, the newest first, each once', () => {
    for (const plate of ['A1', 'B2', 'C3', 'A1', 'D4']) rememberPlate(plate)
    expect(rememberedPlates()).toEqual(['D4', 'A1', 'C3'])
  })

  it('forgets what was stored by something else', () => {
    localStorage.setItem('parking:plates', '{"not": "a list"}')
    expect(rememberedPlates()).toEqual([])
  })
})
