import { effectScope, nextTick, ref } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useGradually } from './gradually'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Whatever the browser has left to do is done. */
async function rest(): Promise<void> {
  await nextTick()
  for (let n = 0; n < 20; n += 1) await vi.advanceTimersByTimeAsync(100)
}

describe('a long list', () => {
  it('begins with what a phone shows first, and is whole in the end', async () => {
    const scope = effectScope()
    const list = ref(['a', 'b', 'c', 'd', 'e'])
    const shown = scope.run(() => useGradually(list))
    expect(shown?.value).toEqual(['a', 'b'])
    await rest()
    expect(shown?.value).toEqual(['a', 'b', 'c', 'd', 'e'])

    list.value = [...list.value, 'f', 'g']
    expect(shown?.value).toHaveLength(5)
    await rest()
    expect(shown?.value).toHaveLength(7)
    scope.stop()
  })

  it('goes on no longer than its page is there', async () => {
    const scope = effectScope()
    const shown = scope.run(() => useGradually(['a', 'b', 'c', 'd']))
    scope.stop()
    await rest()
    expect(shown?.value).toEqual(['a', 'b'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
