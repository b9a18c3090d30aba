import { computed, onScopeDispose, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'

const AT_FIRST = 2

/** The beginning of a list at once, the others one by one as the browser has time: a slow phone hears fingers in between. */
export function useGradually<T>(list: MaybeRefOrGetter<readonly T[]>, atFirst = AT_FIRST) {
  const room = ref(atFirst)
  let next = 0
  function more(): void {
    next = 0
    room.value += 1
  }
  watch(
    [room, () => toValue(list).length],
    ([shown, length]) => {
      if (shown < length && next === 0) next = whenIdle(more)
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => forget(next))
  return computed(() => toValue(list).slice(0, room.value))
}

// Safari has no idle callbacks.
const idle = 'requestIdleCallback' in window
const whenIdle = (work: () => void): number =>
  idle ? requestIdleCallback(work, { timeout: 100 }) : window.setTimeout(work, 16)
const forget = (handle: number) => (idle ? cancelIdleCallback(handle) : clearTimeout(handle))
