type Place = { ok: true; near: string } | { ok: false; reason: 'near_denied' | 'near_failed' }

const WAIT_MS_MAX = 10_000
const AGE_MS_MAX = 60_000
/** Four decimals are about ten metres: near enough to sort by, and no more than that is told. */
const DECIMALS = 4

/** Where the reader is. Browsers answer only on https and on this very machine. */
export function locate(): Promise<Place> {
  return new Promise((resolve) => {
    if (!('geolocation' in navigator) || !window.isSecureContext) {
      resolve({ ok: false, reason: 'near_failed' })
      return
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const near = [coords.latitude, coords.longitude].map((part) => part.toFixed(DECIMALS))
        resolve({ ok: true, near: near.join(',') })
      },
      (error) => {
        const denied = error.code === error.PERMISSION_DENIED
        resolve({ ok: false, reason: denied ? 'near_denied' : 'near_failed' })
      },
      { timeout: WAIT_MS_MAX, maximumAge: AGE_MS_MAX },
    )
  })
}
