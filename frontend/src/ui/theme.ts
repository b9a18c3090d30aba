// Light or dark: the system's choice until the reader makes one. public/early.js does the same before the first paint.
import { computed, ref, watchEffect } from 'vue'
import { remember } from '@/lib/remember'

export type Theme = 'system' | 'light' | 'dark'

const stored = remember('parking:theme')
const system = matchMedia('(prefers-color-scheme: dark)')

function read(): Theme {
  const value = stored.get()
  return value === 'light' || value === 'dark' ? value : 'system'
}

const systemDark = ref(system.matches)
system.addEventListener('change', (event) => (systemDark.value = event.matches))

const choice = ref<Theme>(read())
const dark = computed(() =>
  choice.value === 'system' ? systemDark.value : choice.value === 'dark',
)

watchEffect(() => {
  document.documentElement.classList.toggle('dark', dark.value)
  document
    .querySelector('meta[name="theme-color"]')
    ?.setAttribute('content', dark.value ? '#11161f' : '#ffffff')
})

export function useTheme() {
  return {
    choice,
    dark,
    choose(theme: Theme): void {
      choice.value = theme
      stored.set(theme)
    },
  }
}
