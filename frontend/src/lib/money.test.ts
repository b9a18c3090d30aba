import { describe, expect, it } from 'vitest'
import { formatMoney, fractionDigits, parseMajor, toMajor, toMajorText } from './money'

describe('money', () => {
  it.each([
    ['INR', 2],
    ['JPY', 0],
    ['KWD', 3],
  ])('%s has %i digits', (currency, digits) => {
    expect(fractionDigits(currency)).toBe(digits)
  })

  it.each([
    [6_000, 'INR', 'en-IN', '₹60.00'],
    [12_345_678, 'INR', 'en-IN', '₹1,23,456.78'],
    [500, 'JPY', 'en-US', '¥500'],
    [1_234, 'KWD', 'en-US', 'KWD 1.234'],
    [-50, 'USD', 'en-US', '-$0.50'],
  ])('%i %s reads %s %s', (minor, currency, locale, expected) => {
    expect(formatMoney(minor, currency, locale).replace(/\u00a0/g, ' ')).toBe(expected)
  })

  it('leaves out the fraction of a whole amount when asked', () => {
    expect(formatMoney(6_000, 'INR', 'en-IN', { strip: true })).toBe('₹60')
    expect(formatMoney(6_050, 'INR', 'en-IN', { strip: true })).toBe('₹60.50')
  })

  it.each([
    ['60', 'INR', 6_000],
    ['60.5', 'INR', 6_050],
    [' 0.05 ', 'INR', 5],
    ['1,00,000', 'INR', 10_000_000],
    ['1,000.25', 'USD', 100_025],
    ['500', 'JPY', 500],
    ['1.234', 'KWD', 1_234],
    ['60.555', 'INR', null],
    ['5.5', 'JPY', null],
    ['-1', 'INR', null],
    ['1e3', 'INR', null],
    ['', 'INR', null],
    ['sixty', 'INR', null],
  ])('"%s" in %s is %s', (text, currency, expected) => {
    expect(parseMajor(text, currency)).toBe(expected)
  })

  it.each([
    [6_000, 'INR', '60'],
    [6_050, 'INR', '60.50'],
    [5, 'INR', '0.05'],
    [0, 'INR', '0'],
    [500, 'JPY', '500'],
  ])('%i %s is typed as %s, and back', (minor, currency, text) => {
    expect(toMajorText(minor, currency)).toBe(text)
    expect(parseMajor(text, currency)).toBe(minor)
  })

  it('is short on an axis, and a plain number in a file', () => {
    const short = (minor: number) => formatMoney(minor, 'INR', 'en-US', { short: true })
    expect([0, 50_000, 1_250_000].map(short)).toEqual(['₹0', '₹500', '₹12.5K'])
    expect([toMajor(123_456, 'INR'), toMajor(500, 'JPY')]).toEqual([1234.56, 500])
  })
})
