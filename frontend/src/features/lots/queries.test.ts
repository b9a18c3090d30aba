import { describe, expect, it } from 'vitest'
import type { Lot } from '@/api/types'
import { fullLast } from './queries'

describe('the list of lots', () => {
  it('puts full lots last and keeps the order otherwise', () => {
    const lots = [0, 3, 0, 7].map((free_spots, index) => ({ id: String(index), free_spots }) as Lot)
    expect(fullLast(lots).map((lot) => lot.id)).toEqual(['1', '3', '0', '2'])
  })
})
