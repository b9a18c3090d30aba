// What a chart draws, ready in words: charts know no units.

export interface ChartPoint {
  key: string
  /** Under the axis, short; without one the axis leaves it out. */
  label: string
  /** When not all labels fit, this one stays: midnight, a new year. */
  major?: boolean
  /** In full, for the tooltip and for screen readers. */
  name: string
  /** One for each series. */
  values: readonly number[]
  /** What is told of it, line by line: "₹1,200", "31 bookings". */
  told: readonly string[]
  /** Still going on, as today is: drawn as not yet whole. */
  unfinished?: boolean
}

export interface HeatCell {
  value: number
  told: readonly string[]
}

export interface HeatAxis {
  key: string
  label: string
  name: string
}

/** A tick of the value axis. */
export interface Tick {
  at: number
  text: string
}

export type Raw = string | number | null

export interface TableColumn {
  name: string
  /** Figures stand at the right. */
  numeric?: boolean
  /** As a person reads it. */
  text?: (value: Raw) => string
  /** As a file has it: not the minor unit of money. */
  file?: (value: Raw) => Raw
}

export interface ChartTable {
  columns: readonly TableColumn[]
  rows: readonly (readonly Raw[])[]
}
