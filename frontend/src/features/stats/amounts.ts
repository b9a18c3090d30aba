// Money in whatever currencies the lots have.
import type { Spend } from '@/api/types'

/** The currencies that occur, the one with most first. */
export function currenciesOf(amounts: readonly (readonly Spend[])[]): string[] {
  return sum(amounts)
    .sort((a, b) => b.amount_minor - a.amount_minor)
    .map(({ currency }) => currency)
}

export function amountIn(amounts: readonly Spend[], currency: string): number {
  return amounts.find((amount) => amount.currency === currency)?.amount_minor ?? 0
}

export function sum(amounts: readonly (readonly Spend[])[]): Spend[] {
  const totals = new Map<string, number>()
  for (const { currency, amount_minor } of amounts.flat()) {
    totals.set(currency, (totals.get(currency) ?? 0) + amount_minor)
  }
  return [...totals].map(([currency, amount_minor]) => ({ currency, amount_minor }))
}
