// A chart of money shows one currency: the one with most, until the reader chooses another.
import { computed, ref } from 'vue'
import type { Spend } from '@/api/types'
import { currenciesOf } from './amounts'

export function useCurrency(amounts: () => readonly (readonly Spend[])[]) {
  const currencies = computed(() => currenciesOf(amounts()))
  const choice = ref('')
  const currency = computed({
    get: () =>
      currencies.value.includes(choice.value) ? choice.value : (currencies.value[0] ?? ''),
    set: (wanted: string) => (choice.value = wanted),
  })
  return { currencies, currency }
}
