import { readonly, ref, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'

const TYPING_MS = 150

/** What is typed, a moment after the last letter: no question for each. */
export function useSettled(text: MaybeRefOrGetter<string>): Readonly<Ref<string>> {
  const settled = ref(toValue(text))
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    () => toValue(text),
    (value) => {
      clearTimeout(timer)
      timer = setTimeout(() => (settled.value = value), TYPING_MS)
    },
  )
  return readonly(settled)
}
