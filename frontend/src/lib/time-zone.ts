// Names of time zones (IANA). Chromium still calls some by what they were called before; the database keeps both.

const NOW_CALLED: Record<string, string> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Godthab': 'America/Nuuk',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
}

const called = (name: string) => NOW_CALLED[name] ?? name

export function timeZones(): string[] {
  return Intl.supportedValuesOf('timeZone').map(called).sort()
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return name !== ''
  } catch {
    return false
  }
}

/** The zone of this device, if it is a known one and another than the installation's. */
export function ownTimeZone(
  installation: string | undefined,
  own = Intl.DateTimeFormat().resolvedOptions().timeZone,
): string | undefined {
  const name = called(own)
  return timeZones().includes(name) && name !== called(installation ?? '') ? name : undefined
}

/** The zone, or nothing (this device's own) where this device does not know it. */
export function knownZone(zone: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone
  } catch {
    return undefined
  }
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone)
  if (!clock) {
    clock = new Intl.DateTimeFormat('en', {
      hourCycle: 'h23',
      hour: '2-digit',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      timeZone: knownZone(zone),
    })
    clocks.set(zone, clock)
  }
  return clock
}

/** The day ("2026-11-22") and the hour on the clocks of that zone. */
export function wallClock(at: string | number, zone: string): { day: string; hour: number } {
  const parts = clockOf(zone).formatToParts(new Date(at))
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((found) => found.type === type)?.value ?? ''
  return { day: [part('year'), part('month'), part('day')].join('-'), hour: Number(part('hour')) }
}
