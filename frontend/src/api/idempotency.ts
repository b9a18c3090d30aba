const TIME_BYTES = 6
const RANDOM_BYTES = 10

/**
 * A key per tap. It begins with the time as a UUIDv7 does (RFC 9562, section 5.7): the server then keeps new keys side by side.
 * `crypto.randomUUID` would be missing on plain http outside of loopback anyway.
 */
export function idempotencyKey(now = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
  const digits = Array.from(random, (byte) => byte.toString(16).padStart(2, '0'))
  return now.toString(16).padStart(2 * TIME_BYTES, '0') + digits.join('')
}
