/** What the server noted beside something, in one line: "reason: expired, session: 7". */
export function detailText(detail: unknown): string {
  return Object.entries((detail as Record<string, unknown> | null) ?? {})
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${text(value)}`)
    .join(', ')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
