import { useI18n } from 'vue-i18n'
import type { LotStats } from '@/api/types'
import type { ChartTable } from '@/ui/charts/types'
import { useStatsWords } from './words'

/** All that is known of each lot, for a file. */
export function useLotSheet() {
  const { t } = useI18n()
  const { columns, moneyCells } = useStatsWords()

  return (lots: readonly LotStats[], currencies: readonly string[]): ChartTable => ({
    columns: [
      columns.text(t('bookings.lot')),
      columns.count(t('insight.figures.spots')),
      columns.count(t('figures.bookings_started')),
      columns.count(t('insight.released')),
      columns.share(t('figures.occupancy')),
      columns.averaged(t('figures.parked_average')),
      columns.averaged(t('insight.turnover')),
      columns.minutes(t('insight.stay_minutes')),
      ...currencies.map((code) => columns.moneyIn(code)),
    ],
    rows: lots.map((lot) => [
      lot.lot.name,
      lot.number_of_spots,
      lot.bookings_started,
      lot.bookings_released,
      lot.occupancy,
      lot.parked_average,
      lot.turnover,
      lot.average_stay_minutes,
      ...moneyCells(lot.revenue, currencies),
    ]),
  })
}
