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
