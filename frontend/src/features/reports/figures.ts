// How the figures of a month compare with those of the month before.
import type { Spend } from '@/api/types'

/** As a part of the one before; null when there is nothing to compare with. */
export function changeOf(now: number, before: number): number | null {
  return before === 0 ? null : (now - before) / before
}

/** Amounts compare when each month has one, of the same currency. */
export function spendChange(now: readonly Spend[], before: readonly Spend[]): number | null {
  const [one, ...others] = now
  const [old, ...olds] = before
  if (!one || !old || others.length + olds.length > 0 || one.currency !== old.currency) return null
  return changeOf(one.amount_minor, old.amount_minor)
}
