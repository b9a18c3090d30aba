// Where a map looks: its middle and its edges, and whether it was the reader who moved it there.
import type { LatLngBounds, Map } from 'leaflet'
import { computed, onBeforeUnmount, shallowRef } from 'vue'
import { distanceMetres, type Place } from './place'

export function useMapView(start: Place, moved: (map: Map) => void) {
  const map = shallowRef<Map | null>(null)
  const middle = shallowRef(start)
  const bounds = shallowRef<LatLngBounds | null>(null)
  let steering = false

  function note(): void {
    if (!map.value) return
    const { lat, lng } = map.value.getCenter()
    middle.value = { latitude: lat, longitude: lng }
    bounds.value = map.value.getBounds()
    if (!steering) moved(map.value)
    steering = false
  }
  function attach(created: Map): void {
    map.value = created
    bounds.value = created.getBounds()
    created.on('moveend', note)
  }
  onBeforeUnmount(() => map.value?.off('moveend', note))

  /** A move of ours: `moved` is not told of it. */
  function steer(move: (map: Map) => void): void {
    if (!map.value) return
    steering = true
    move(map.value)
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
