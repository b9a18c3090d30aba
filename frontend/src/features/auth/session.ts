// The one SessionKeeper of this tab, wired to the browser.
import { computed } from 'vue'
import { reaching } from '@/api/reach'
import { noteServerDate } from '@/api/server-clock'
import type { SessionUser } from '@/api/types'
import { remember, rememberJson } from '@/lib/remember'
import { SessionKeeper } from './session-keeper'

/** A server that does not answer at all is no answer. */
const ANSWER_MS_MAX = 10_000
const PATIENCE_MS = 2_000

const hint = remember('parking:session')

export const session = new SessionKeeper({
  post: async (path) => {
    const response = await reaching(
      fetch(path, {
        method: 'POST',
        credentials: 'same-origin',
        headers: { Accept: 'application/json' },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      }),
    )
    noteServerDate(response.headers)
    return response
  },
  channel: 'BroadcastChannel' in globalThis ? new BroadcastChannel('parking:session') : null,
  // Missing on plain http outside of loopback.
  locks: (navigator.locks as LockManager | undefined) ?? null,
  hint,
  lastUser: rememberJson<SessionUser>('parking:user'),
  patience: () => new Promise((done) => setTimeout(done, PATIENCE_MS)),
  now: () => Date.now(),
})

export function useSession() {
  return {
    user: session.user,
    signedIn: computed(() => session.status.value === 'in'),
    known: computed(() => session.status.value !== 'unknown'),
    isAdmin: computed(() => session.user.value?.role === 'admin'),
  }
}
