import { readonly, ref } from 'vue'

export interface Toast {
  id: number
  kind: 'ok' | 'error' | 'info'
  text: string
}

const list = ref<Toast[]>([])
let lastId = 0

export const toasts = readonly(list)

const SHOWN_MAX = 3

export function toast(text: string, kind: Toast['kind'] = 'ok'): void {
  lastId += 1
  list.value = [...list.value, { id: lastId, kind, text }].slice(-SHOWN_MAX)
}

export function dismissToast(id: number): void {
  list.value = list.value.filter((item) => item.id !== id)
}
