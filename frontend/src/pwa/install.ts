// Putting the application on the home screen: offered by the browser, or done by hand on iOS.
import { readonly, shallowRef } from 'vue'

/** Not in the DOM's types: only Chromium has it. */
interface InstallPrompt extends Event {
  prompt(): Promise<void>
  userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>
}

const offer = shallowRef<InstallPrompt | null>(null)
/** Whether `install` would ask. */
export const installable = readonly(offer)

/** Before anything is shown: the browser offers it once, early. */
export function listenForOffer(): void {
  window.addEventListener('beforeinstallprompt', (event) => {
    // The offer waits in the account, instead of covering the page.
    event.preventDefault()
    offer.value = event as InstallPrompt
  })
  window.addEventListener('appinstalled', () => (offer.value = null))
}

export async function install(): Promise<boolean> {
  const asked = offer.value
  if (!asked) return false
  await asked.prompt()
  const { outcome } = await asked.userChoice
  // A prompt can be used once.
  offer.value = null
  return outcome === 'accepted'
}

export function isInstalled(): boolean {
  const ios = navigator as { standalone?: boolean }
  return matchMedia('(display-mode: standalone)').matches || ios.standalone === true
}

/** Safari on an iPhone or iPad (which calls itself a Mac, but has a touch screen) has a menu entry instead of an offer. */
export function isIos(
  userAgent = navigator.userAgent,
  touchPoints = navigator.maxTouchPoints,
): boolean {
  return /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1)
}
