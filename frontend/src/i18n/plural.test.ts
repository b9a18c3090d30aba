import { describe, expect, it } from 'vitest'
import { pluralForm } from './plural'

const forms = (language: string, of: number) =>
  [0, 1, 2, 1.5].map((count) => pluralForm(language)(count, of))

describe('the form that goes with a count', () => {
  it('in English is the singular of one alone', () => {
    expect(forms('en', 2)).toEqual([1, 0, 1, 1])
    expect(forms('en', 3)).toEqual([0, 1, 2, 2])
  })

  it('in Hindi is the singular of zero too, unless there are words for none', () => {
    expect(forms('hi', 2)).toEqual([0, 0, 1, 1])
    expect(forms('hi', 3)).toEqual([0, 1, 2, 2])
  })

  it('of a message with one form is that one', () => {
    expect(forms('hi', 1)).toEqual([0, 0, 0, 0])
  })
})
