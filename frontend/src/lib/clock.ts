// The time, as something a page can show: one timer for all that look.
import { onScopeDispose, readonly, shallowRef, type Ref } from 'vue'
import { serverNow } from '@/api/server-clock'

const now = shallowRef(serverNow())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** Milliseconds since the epoch by the server's clock, redrawn each second. */
export function useNow(): Readonly<Ref<number>> {
  users += 1
  if (users === 1) {
    timer = setInterval(() => (now.value = serverNow()), 1_000)
  }
  now.value = serverNow()
  onScopeDispose(() => {
    users -= 1
    if (users === 0) clearInterval(timer)
  })
  return readonly(now)
}
