// How high a week by hours is drawn: on a phone the hours go down.

export const UPRIGHT_PX_MAX = 480
export const CELL_PX = { upright: 18, across: 24 }

const GAP_PX = 2
const HEAD_AND_LEGEND_PX = 52
const CARD_AND_PAGE_PX = 66

export function heatHeight(windowWidth = window.innerWidth): number {
  const upright = windowWidth - CARD_AND_PAGE_PX < UPRIGHT_PX_MAX
  const lines = upright ? 24 * (CELL_PX.upright + GAP_PX) : 7 * (CELL_PX.across + GAP_PX)
  return lines + HEAD_AND_LEGEND_PX
}
