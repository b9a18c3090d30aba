import { useRouter } from 'vue-router'
import { session } from './session'

/** Leaves to the first page, then signs out here: a page of one's own must not ask for a sign-in in between. */
export function useSignOut(): () => Promise<void> {
  const router = useRouter()
  return async () => {
    await router.replace({ name: 'find' })
    await session.signOut()
  }
}
