import type { Place } from './place'

/** A link that opens the maps application of the device with the way there; nothing is asked of that host before the tap. */
export function directionsLink({ latitude, longitude }: Place, userAgent: string): string {
  const at = `${latitude},${longitude}`
  if (/Android/i.test(userAgent)) return `geo:${at}?q=${at}`
  if (/iPhone|iPad|Macintosh/i.test(userAgent)) return `https://maps.apple.com/?daddr=${at}`
  return `https://www.openstreetmap.org/directions?to=${encodeURIComponent(at)}`
}
