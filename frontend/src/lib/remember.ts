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

/** The same for a value that is more than a text. Whatever is not readable any more is forgotten. */
export function rememberJson<T>(key: string) {
  const kept = remember(key)
  return {
    get(): T | null {
      try {
        return JSON.parse(kept.get() ?? 'null') as T | null
      } catch {
        return null
      }
    },
    set(value: T | null): void {
      kept.set(JSON.stringify(value))
    },
  }
}
