import { describe, expect, it, vi } from 'vitest'
import { install, installable, isIos, listenForOffer } from './install'

describe('installing', () => {
  it('waits for the reader, and asks once', async () => {
    listenForOffer()
    const prompt = vi.fn(() => Promise.resolve())
    const event = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), {
      prompt,
      userChoice: Promise.resolve({ outcome: 'accepted' }),
    })
    window.dispatchEvent(event)
    expect(event.defaultPrevented).toBe(true)
    expect(installable.value).not.toBeNull()
    expect(await install()).toBe(true)
    expect(installable.value).toBeNull()
    expect(await install()).toBe(false)
    expect(prompt).toHaveBeenCalledTimes(1)
  })

  it('is done by hand on an iPhone and on an iPad that calls itself a Mac', () => {
    expect(isIos('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)', 5)).toBe(true)
    expect(isIos('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 5)).toBe(true)
    expect(isIos('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 0)).toBe(false)
    expect(isIos('Mozilla/5.0 (Linux; Android 15)', 5)).toBe(false)
  })
})
