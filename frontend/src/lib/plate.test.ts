import { describe, expect, it } from 'vitest'
import { displayPlate, isPlate, normalisePlate, samePlate } from './plate'

describe('number plates', () => {
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

  it('are the same however they are written', () => {
    expect(samePlate('mh-12 ab 1234', 'MH12AB1234')).toBe(true)
    expect(samePlate('MH12AB1234', 'MH12AB1235')).toBe(false)
  })
})
