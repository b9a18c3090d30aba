import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

const GUESS_PX = 600

/** The width that an element has on the page, in px. */
export function useWidth(element: Readonly<Ref<HTMLElement | null>>): Readonly<Ref<number>> {
  const width = ref(GUESS_PX)
  const observer = new ResizeObserver(([entry]) => {
    if (entry && entry.contentRect.width > 0) width.value = entry.contentRect.width
  })
  onMounted(() => {
    if (!element.value) return
    width.value = element.value.clientWidth || GUESS_PX
    observer.observe(element.value)
  })
  onBeforeUnmount(() => observer.disconnect())
  return width
}
