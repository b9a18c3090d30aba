import { expect, it } from 'vitest'
import { changeOf, spendChange } from './figures'

const rupees = (amount_minor: number) => ({ amount_minor, currency: 'INR' })

it('a figure compares with the one before, if there was one', () => {
  expect(changeOf(12, 10)).toBeCloseTo(0.2)
  expect(changeOf(5, 10)).toBe(-0.5)
  expect(changeOf(5, 0)).toBeNull()
})

it('amounts compare only in one currency', () => {
  expect(spendChange([rupees(15_000)], [rupees(10_000)])).toBe(0.5)
  expect(spendChange([], [rupees(10_000)])).toBeNull()
  expect(spendChange([rupees(1)], [])).toBeNull()
  expect(spendChange([rupees(1)], [{ amount_minor: 1, currency: 'EUR' }])).toBeNull()
  expect(spendChange([rupees(1), { amount_minor: 1, currency: 'EUR' }], [rupees(1)])).toBeNull()
})
