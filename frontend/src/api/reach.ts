// Whether the server can be reached: what the browser says, and what came of the last call.
import { onlineManager } from '@tanstack/vue-query'
import { computed, readonly, shallowRef, watch } from 'vue'

const PROBE_MS = 5_000

const PROBE_ANSWER_MS_MAX = 3_000
/** A first page that has heard nothing for so long asks, and then stands with what the device knows. */
const FIRST_ANSWER_MS_MAX = 3_000

const connected = shallowRef(navigator.onLine)
/** Whether the browser has a network at all. */
export const hasNetwork = readonly(connected)
const answering = shallowRef(true)
let probe: ReturnType<typeof setTimeout> | undefined

export const offline = computed(() => !connected.value || !answering.value)

window.addEventListener('online', () => {
  connected.value = true
  if (!answering.value) look()
})
window.addEventListener('offline', () => (connected.value = false))
// What is shown is read anew when the server is back, however it was lost.
watch(offline, (away) => onlineManager.setOnline(!away), { flush: 'sync' })

const first = setTimeout(look, FIRST_ANSWER_MS_MAX)

export function noteReached(): void {
  clearTimeout(first)
  clearTimeout(probe)
  answering.value = true
}

/** No call may follow that would show that it is back: then we ask. */
export function noteUnreached(): void {
  answering.value = false
  clearTimeout(probe)
  probe = setTimeout(look, PROBE_MS)
}

function look(): void {
  const signal = AbortSignal.timeout(PROBE_ANSWER_MS_MAX)
  fetch('/health/live', { cache: 'no-store', signal }).then(noteReached, noteUnreached)
}

/** A call that tells whether it came through. An aborted one tells nothing. */
export async function reaching(call: Promise<Response>): Promise<Response> {
  try {
    const response = await call
    noteReached()
    return response
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) noteUnreached()
    throw error
  }
}
