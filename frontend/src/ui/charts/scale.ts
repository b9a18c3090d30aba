// Axes with few, round ticks, and labels that do not run into each other.
import { scaleLinear, scaleQuantize } from 'd3-scale'

/** From 0 to a round number at or above `max`; `whole` for what is counted. */
export function roundTicks(max: number, { count = 4, whole = false } = {}): number[] {
  const ticks = scaleLinear()
    .domain([0, max > 0 ? max : 1])
    .nice(count)
    .ticks(count)
  return whole ? wholeTicks(ticks) : ticks
}

function wholeTicks(ticks: number[]): number[] {
  const whole = ticks.filter((tick) => Number.isInteger(tick))
  const top = Math.ceil(ticks.at(-1) ?? 0)
  return whole.at(-1) === top ? whole : [...whole, top]
}

const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]

/** Every how manieth label fits when `count` of them share `room` px and each takes `each` px. */
export function everyNth(count: number, room: number, each: number): number {
  const fit = Math.max(1, Math.floor(room / each))
  return STEPS.find((step) => count / step <= fit) ?? count
}

const LETTER_PX = 7.8
const SPACE_PX = 10

/** About how wide a label of the axis is, with the space it needs. */
export function labelPx(texts: readonly string[]): number {
  // A vowel sign stands above or below its letter.
  const letters = (text: string) => text.replace(/\p{M}/gu, '').length
  return Math.max(0, ...texts.map(letters)) * LETTER_PX + SPACE_PX
}

export const HEAT_STEPS = 6

/** Steps of lightness from nothing (0) to most: equal parts of 0 to a round number. */
export function heatScale(max: number): { step: (value: number) => number; top: number } {
  const top = roundTicks(max, { count: HEAT_STEPS }).at(-1) ?? 1
  const scale = scaleQuantize<number>()
    .domain([0, top])
    .range(Array.from({ length: HEAT_STEPS }, (_, step) => step + 1))
  // Nothing is a step of its own: an empty hour must not look like a quiet one.
  return { step: (value) => (value > 0 ? scale(value) : 0), top }
}
