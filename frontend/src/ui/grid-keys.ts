// Where a key leads in a grid of one tab stop, drawn as lines of cells that may differ in length.

interface Cell {
  id: string
}

export interface Key {
  key: string
  ctrlKey: boolean
}

const PAGE_LINES = 5

/** The cell a key leads to from the one with this id; null when the key is none of ours. */
export function moveTo(
  lines: readonly (readonly Cell[])[],
  from: string,
  { key, ctrlKey }: Key,
): string | null {
  const y = lines.findIndex((line) => line.some((cell) => cell.id === from))
  const line = lines[y]
  if (!line) return null
  const x = line.findIndex((cell) => cell.id === from)
  const clampLine = (index: number) => lines[Math.min(Math.max(index, 0), lines.length - 1)] ?? line
  /** A shorter line ends earlier: stay in its last column. */
  const inColumn = (target: readonly Cell[]) => target[Math.min(x, target.length - 1)]
  const targets: Record<string, () => Cell | undefined> = {
    ArrowRight: () => line[x + 1] ?? (y + 1 < lines.length ? lines[y + 1]?.[0] : line[x]),
    ArrowLeft: () => (x > 0 ? line[x - 1] : y > 0 ? lines[y - 1]?.at(-1) : line[x]),
    ArrowDown: () => inColumn(clampLine(y + 1)),
    ArrowUp: () => inColumn(clampLine(y - 1)),
    PageDown: () => inColumn(clampLine(y + PAGE_LINES)),
    PageUp: () => inColumn(clampLine(y - PAGE_LINES)),
    Home: () => (ctrlKey ? lines[0]?.[0] : line[0]),
    End: () => (ctrlKey ? lines.at(-1)?.at(-1) : line.at(-1)),
  }
  return targets[key]?.()?.id ?? null
}
