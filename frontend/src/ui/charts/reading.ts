// The point of a chart that is being read: under the pointer, under a finger, or focused. Its cells carry `data-cell`.
import { nextTick, onBeforeUnmount, onMounted, ref, type Ref, watch } from 'vue'
import { moveTo } from '@/ui/grid-keys'

type Lines = readonly (readonly { id: string }[])[]

export function useReading(root: Readonly<Ref<HTMLElement | null>>, lines: () => Lines) {
  /** The cell that is told; null: none. */
  const shown = ref<string | null>(null)
  /** The one cell that the Tab key reaches. */
  const stop = ref('')

  watch(
    lines,
    (now) => {
      const ids = new Set(now.flatMap((line) => line.map(({ id }) => id)))
      if (!ids.has(stop.value)) stop.value = now[0]?.[0]?.id ?? ''
      if (shown.value !== null && !ids.has(shown.value)) shown.value = null
    },
    { immediate: true },
  )

  const cellOf = (event: Event) =>
    (event.target as HTMLElement).closest<HTMLElement>('[data-cell]')?.dataset.cell

  async function focus(id: string): Promise<void> {
    stop.value = id
    await nextTick()
    root.value?.querySelector<HTMLElement>(`[data-cell="${CSS.escape(id)}"]`)?.focus()
  }

  function keydown(event: KeyboardEvent): void {
    const id = cellOf(event)
    if (id === undefined || event.altKey || event.metaKey) return
    if (event.key === 'Escape') shown.value = null
    const target = moveTo(lines(), id, event)
    if (target === null) return
    event.preventDefault()
    void focus(target)
  }

  function focusin(event: FocusEvent): void {
    const id = cellOf(event)
    if (id === undefined) return
    stop.value = id
    shown.value = id
  }
  const hide = () => (shown.value = null)

  function pointermove(event: PointerEvent): void {
    shown.value = cellOf(event) ?? shown.value
  }
  function pointerdown(event: PointerEvent): void {
    // A finger that moves on reads the cells it moves over.
    const target = event.target as HTMLElement
    if (target.hasPointerCapture(event.pointerId)) target.releasePointerCapture(event.pointerId)
    pointermove(event)
  }
  function pointerleave(event: PointerEvent): void {
    // What a finger has shown stays to be read.
    if (event.pointerType !== 'touch') hide()
  }
  function elsewhere(event: PointerEvent): void {
    if (!root.value?.contains(event.target as Node)) hide()
  }
  onMounted(() => window.addEventListener('pointerdown', elsewhere))
  onBeforeUnmount(() => window.removeEventListener('pointerdown', elsewhere))

  const on = { keydown, focusin, focusout: hide, pointermove, pointerdown, pointerleave }
  return { shown, stop, on }
}
