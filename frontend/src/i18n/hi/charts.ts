import type { charts as english } from '../en/charts'

export const charts: typeof english = {
  charts: {
    empty: 'इस समय में अभी कुछ पार्क नहीं हुआ',
    as_table: 'तालिका में दिखाएँ: {title}',
    csv: 'CSV सेव करें: {title}',
    retry: 'फिर कोशिश करें: {title}',
  },
}
