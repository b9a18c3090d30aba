// Who changes between signing in, registering and asking for a new password has typed the address already.
// Kept in memory only, and forgotten once somebody is signed in.
import { onBeforeUnmount } from 'vue'
import { session } from './session'

let typed = ''

/** The form begins with the address of the one before, and hands its own on. */
export function useTypedEmail(values: { email: string }): void {
  values.email = typed
  onBeforeUnmount(() => {
    typed = session.user.value ? '' : values.email
  })
}
