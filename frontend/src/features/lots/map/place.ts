// Places on the earth, and where they lie on a map (Web Mercator, EPSG:3857, as tiles have it).

export interface Place {
  latitude: number
  longitude: number
}

/** A point of the world as a square: 0,0 is its north-west corner, 1,1 its south-east one. */
export interface Point {
  x: number
  y: number
}

export const TILE_PX = 256
/** Where the square world ends. */
const LATITUDE_MAX = 85.051_129
const EARTH_RADIUS_M = 6_371_000
/** Four decimals are about ten metres: near enough to sort by, and no more than that is told. */
const NEAR_DECIMALS = 4

const radians = (degrees: number) => (degrees * Math.PI) / 180

export function project({ latitude, longitude }: Place): Point {
  const bounded = Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, latitude))
  const sine = Math.sin(radians(bounded))
  return {
    x: longitude / 360 + 0.5,
    y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI),
  }
}

/** How wide the world is at a zoom, in pixels. */
export const worldPx = (zoom: number) => TILE_PX * 2 ** zoom

export function distanceMetres(from: Place, to: Place): number {
  const [a, b] = [radians(from.latitude), radians(to.latitude)]
  const half = (angle: number) => Math.sin(angle / 2) ** 2
  const chord =
    half(b - a) + Math.cos(a) * Math.cos(b) * half(radians(to.longitude - from.longitude))
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord)))
}

/** As the address and the server's `near` have it: "18.9398,72.8355". */
export function nearText({ latitude, longitude }: Place): string {
  return [latitude, longitude].map((part) => part.toFixed(NEAR_DECIMALS)).join(',')
}

export function parseNear(text: string): Place | null {
  const match = /^(-?\d{1,2}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)$/.exec(text)
  if (!match) return null
  const [latitude, longitude] = [Number(match[1]), Number(match[2])]
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null
}

/** Five decimals are about a metre. */
const PICKED_DECIMALS = 5

/** A degree as a person would type it. */
export const degreesText = (degrees: number) => String(Number(degrees.toFixed(PICKED_DECIMALS)))

export function placeOf(lot: {
  latitude?: number | null
  longitude?: number | null
}): Place | null {
  const { latitude, longitude } = lot
  return latitude == null || longitude == null ? null : { latitude, longitude }
}

/** The zoom of a map in the address; null when there is none that makes sense. */
export function parseZoom(text: string): number | null {
  return /^\d{1,2}$/.test(text) && Number(text) <= ZOOM_MAX
    ? Math.max(ZOOM_MIN, Number(text))
    : null
}

export const ZOOM_MIN = 2
export const ZOOM_MAX = 19
/** A few streets. */
export const ZOOM_NEAR = 15
