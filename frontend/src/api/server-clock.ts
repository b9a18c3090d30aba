// The cost ticks by the server's clock: a phone that is five minutes wrong must not show five minutes too much.

/** `Date` has whole seconds and the answer takes time, so a small difference means nothing. */
const TOLERANCE_MS = 2_000

let offsetMs = 0

export function noteServerDate(headers: Headers, now = Date.now()): void {
  const at = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(at)) return
  const difference = at - now
  offsetMs = Math.abs(difference) <= TOLERANCE_MS ? 0 : difference
}

export function serverNow(now = Date.now()): number {
  return now + offsetMs
}
