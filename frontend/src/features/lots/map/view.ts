// Where a map looks: its middle and its edges, and whether it was the reader who moved it there.
import type { FitBoundsOptions, LatLngBounds, LatLngTuple, Map } from 'leaflet'
import { computed, onBeforeUnmount, shallowRef } from 'vue'
import { distanceMetres, ZOOM_NEAR, type Place } from './place'

/** A place from a zoom, or places that are all to be in view. */
export type Look = { place: Place; zoom: number } | { places: readonly Place[] }

/** Round marks and their names. */
const PADDING: [number, number] = [48, 72]

export const latLng = ({ latitude, longitude }: Place): LatLngTuple => [latitude, longitude]

export function lookAt(map: Map, look: Look): void {
  if ('place' in look) map.setView(latLng(look.place), look.zoom, { animate: false })
  else showAll(map, look.places, { maxZoom: ZOOM_NEAR, animate: false })
}

export function showAll(map: Map, places: readonly Place[], options: FitBoundsOptions = {}): void {
  map.fitBounds(places.map(latLng), { padding: PADDING, ...options })
}

export function useMapView(start: Place, moved: (map: Map) => void) {
  const map = shallowRef<Map | null>(null)
  const middle = shallowRef(start)
  const bounds = shallowRef<LatLngBounds | null>(null)
  let steering = false

  function read(from: Map): void {
    const { lat, lng } = from.getCenter()
    middle.value = { latitude: lat, longitude: lng }
    bounds.value = from.getBounds()
  }
  function note(): void {
    if (!map.value) return
    read(map.value)
    if (!steering) moved(map.value)
    steering = false
  }
  function attach(created: Map): void {
    map.value = created
    read(created)
    created.on('moveend', note)
  }
  onBeforeUnmount(() => map.value?.off('moveend', note))

  /** A move of ours: `moved` is not told of it. */
  function steer(look: Look): void {
    if (!map.value) return
    steering = true
    lookAt(map.value, look)
  }

  /** From the middle to a corner, in metres, and up to twice as much: a small move asks for nothing new. */
  const reach = computed(() => {
    if (!bounds.value) return 0
    const { lat, lng } = bounds.value.getNorthEast()
    return (
      2 ** Math.ceil(Math.log2(distanceMetres(middle.value, { latitude: lat, longitude: lng })))
    )
  })

  return { map, middle, bounds, reach, attach, steer }
}
