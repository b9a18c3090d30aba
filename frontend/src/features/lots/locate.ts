import { readonly, shallowRef } from 'vue'
import { remember } from '@/lib/remember'
import { nearText, type Place } from './map/place'

type Answer = { ok: true; near: string } | { ok: false; reason: 'near_denied' | 'near_failed' }

const WAIT_MS_MAX = 10_000
const AGE_MS_MAX = 60_000

const found = shallowRef<Place | null>(null)
/** Where the reader was when last asked, in this visit. */
export const here = readonly(found)

/** Where the reader is. Browsers answer only on https and on this very machine. */
export function locate(): Promise<Answer> {
  return new Promise((resolve) => {
    if (!('geolocation' in navigator) || !window.isSecureContext) {
      resolve({ ok: false, reason: 'near_failed' })
      return
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        found.value = { latitude: coords.latitude, longitude: coords.longitude }
        resolve({ ok: true, near: nearText(found.value) })
      },
      (error) => {
        const denied = error.code === error.PERMISSION_DENIED
        resolve({ ok: false, reason: denied ? 'near_denied' : 'near_failed' })
      },
      { timeout: WAIT_MS_MAX, maximumAge: AGE_MS_MAX },
    )
  })
}

const wanted = remember('parking:near')

/** At the next visits of this device too. */
export function wantNearest(want: boolean): void {
  wanted.set(want ? 'yes' : 'no')
}

/** Where the reader is, if the nearest were wanted before and the browser need not ask for leave again. */
export async function locateAgain(): Promise<string | null> {
  if (wanted.get() !== 'yes') return null
  // Safari before 16 has none.
  const leave = await navigator.permissions?.query({ name: 'geolocation' })
  if (leave?.state !== 'granted') return null
  const answer = await locate()
  return answer.ok ? answer.near : null
}
