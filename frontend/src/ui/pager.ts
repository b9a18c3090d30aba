// Filters and place of a server-paged table, kept in the URL, so a reload, a link and the back button find it again.
import { computed, ref, watch } from 'vue'
import { onBeforeRouteLeave, useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

const TYPING_MS = 250

function one(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' ? first : ''
}

/** Reads and writes the named query parameters; typing replaces the entry after a pause instead of adding one. */
export function useUrlFilters<K extends string>(names: readonly K[]) {
  const route = useRoute()
  const router = useRouter()
  const path = route.path

  const values = computed(
    () =>
      Object.fromEntries(names.map((name) => [name, one(route.query[name])])) as Record<K, string>,
  )
  const active = computed(() => names.some((name) => values.value[name] !== ''))

  async function set(changes: Partial<Record<K, string>>): Promise<void> {
    if (route.path !== path) return
    const query: LocationQueryRaw = { ...route.query, cursor: undefined }
    for (const [name, value] of Object.entries<string | undefined>(changes)) {
      query[name] = value === '' ? undefined : value
    }
    await router.replace({ query, hash: route.hash })
  }

  /** A text field's own value: it follows the URL, and the URL follows it a moment later. */
  function typed(name: K) {
    const text = ref(values.value[name])
    let timer: ReturnType<typeof setTimeout> | undefined
    watch(text, (value) => {
      clearTimeout(timer)
      if (value.trim() === values.value[name]) return
      timer = setTimeout(
        () => void set({ [name]: value.trim() } as Partial<Record<K, string>>),
        TYPING_MS,
      )
    })
    // A page that is being left must not be called back by what was typed just before.
    onBeforeRouteLeave(() => clearTimeout(timer))
    watch(
      () => values.value[name],
      (value) => {
        if (value !== text.value.trim()) text.value = value
      },
    )
    return text
  }

  function chosen(name: K) {
    return computed({
      get: () => values.value[name],
      set: (value: string) => void set({ [name]: value } as Partial<Record<K, string>>),
    })
  }

  const clear = () => set(Object.fromEntries(names.map((name) => [name, ''])) as Record<K, string>)

  return { values, active, set, typed, chosen, clear }
}

export function useCursor() {
  const route = useRoute()
  const router = useRouter()
  const cursor = computed(() => one(route.query.cursor))
  /** The cursors of the pages before this one; empty after a reload, then "back" leads to the first page. */
  const before: string[] = []

  const go = (to: string) =>
    router.push({ query: { ...route.query, cursor: to === '' ? undefined : to } })

  async function next(to: string | null | undefined): Promise<void> {
    if (!to) return
    before.push(cursor.value)
    await go(to)
  }
  async function back(): Promise<void> {
    await go(before.pop() ?? '')
  }
  return { cursor, next, back }
}
