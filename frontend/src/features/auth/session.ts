// The one SessionKeeper of this tab, wired to the browser.
import { computed } from 'vue'
import { remember } from '@/lib/remember'
import { SessionKeeper } from './session-keeper'

const hint = remember('parking:session')

export const session = new SessionKeeper({
  post: (path) =>
    fetch(path, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { Accept: 'application/json' },
    }),
  channel: 'BroadcastChannel' in globalThis ? new BroadcastChannel('parking:session') : null,
  // Missing on plain http outside of loopback.
  locks: (navigator.locks as LockManager | undefined) ?? null,
  hint,
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
