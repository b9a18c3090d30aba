/** A value this device keeps between visits; without storage (private windows) it is simply forgotten. */
export function remember(key: string) {
  return {
    get(): string | null {
      try {
        return localStorage.getItem(key)
      } catch {
        return null
      }
    },
    set(value: string): void {
      try {
        localStorage.setItem(key, value)
      } catch {
        // Forgotten, as said above.
      }
    },
  }
}
