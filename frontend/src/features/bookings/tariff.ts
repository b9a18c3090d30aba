// The price of a stay, by the server's rule and to the minor unit: what ticks on the phone is what release will charge.
import type { Tariff } from '@/api/types'

const MINUTE_MS = 60_000n
const DAY_MS = 24n * 60n * MINUTE_MS
/** Amounts are kept in sixtieths of a minor unit (price per hour times minutes), and rounded once at the end. */
const PER_HOUR = 60n

export interface Price {
  price_per_hour_minor: number
  tariff: Tariff
}

/** A stretch of a stay that is priced by itself: the whole stay, or with a daily cap each 24 hours of it. */
export interface StayPart {
  minutes: number
  chargedMinutes: number
  capped: boolean
  amountMinor: number
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b
}

function roundHalfUp(sixtieths: bigint): number {
  return Number((sixtieths + PER_HOUR / 2n) / PER_HOUR)
}

interface ExactPart {
  elapsedMs: bigint
  chargedMinutes: bigint
  capped: boolean
  sixtieths: bigint
}

function exactParts(price: Price, elapsedMs: number): ExactPart[] {
  const elapsed = BigInt(Math.max(0, Math.floor(elapsedMs)))
  const { free_minutes, increment_minutes, daily_cap_minor } = price.tariff
  if (elapsed <= BigInt(free_minutes) * MINUTE_MS) return []
  const increment = BigInt(Math.max(1, increment_minutes))
  const cap = daily_cap_minor == null ? null : BigInt(daily_cap_minor) * PER_HOUR
  const length = cap === null ? elapsed : DAY_MS
  const parts: ExactPart[] = []
  for (let start = 0n; start < elapsed; start += length) {
    const part = elapsed - start < length ? elapsed - start : length
    const chargedMinutes = ceilDiv(part, increment * MINUTE_MS) * increment
    const full = BigInt(price.price_per_hour_minor) * chargedMinutes
    const capped = cap !== null && full > cap
    parts.push({
      elapsedMs: part,
      chargedMinutes,
      capped,
      sixtieths: capped && cap !== null ? cap : full,
    })
  }
  return parts
}

export function costMinor(price: Price, elapsedMs: number): number {
  return roundHalfUp(exactParts(price, elapsedMs).reduce((sum, part) => sum + part.sixtieths, 0n))
}

export function stayParts(price: Price, elapsedMs: number): StayPart[] {
  return exactParts(price, elapsedMs).map((part) => ({
    minutes: Number(ceilDiv(part.elapsedMs, MINUTE_MS)),
    chargedMinutes: Number(part.chargedMinutes),
    capped: part.capped,
    amountMinor: roundHalfUp(part.sixtieths),
  }))
}

export type NextStep =
  /** Nothing is charged before this moment of the stay. */
  | { kind: 'free_until'; atMs: number; costMinor: number }
  /** The cap holds until then. */
  | { kind: 'capped_until'; atMs: number; costMinor: number }
  | { kind: 'step'; atMs: number; costMinor: number }

/** A price so small that it rounds away needs several increments to show; after this many we stop looking. */
const STEPS_MAX = 100

/** When the cost rises next, in milliseconds of the stay, and to what; null when it never does. */
export function nextStep(price: Price, elapsedMs: number): NextStep | null {
  if (price.price_per_hour_minor === 0) return null
  const { free_minutes, increment_minutes, daily_cap_minor } = price.tariff
  const freeMs = free_minutes * Number(MINUTE_MS)
  if (freeMs > 0 && elapsedMs <= freeMs) {
    return { kind: 'free_until', atMs: freeMs, costMinor: costMinor(price, freeMs + 1) }
  }
  const now = costMinor(price, elapsedMs)
  const day = Number(DAY_MS)
  const step = Math.max(1, increment_minutes) * Number(MINUTE_MS)
  const capped = daily_cap_minor != null
  let at = elapsedMs
  for (let tries = 0; tries < STEPS_MAX; tries += 1) {
    const partStart = capped ? Math.floor(at / day) * day : 0
    const increment = partStart + (Math.floor((at - partStart) / step) + 1) * step
    at = capped ? Math.min(increment, partStart + day) : increment
    const cost = costMinor(price, at + 1)
    if (cost > now) return { kind: 'step', atMs: at, costMinor: cost }
    const last = exactParts(price, at + 1).at(-1)
    if (capped && last?.capped) {
      const nextDay = (Math.floor(at / day) + 1) * day
      const rises = costMinor(price, nextDay + 1)
      return rises > now ? { kind: 'capped_until', atMs: nextDay, costMinor: rises } : null
    }
  }
  return null
}
