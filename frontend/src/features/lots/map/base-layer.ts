// What lies below the marks: the tiles that the installation has set, or the coasts of the world.
import { GridLayer, TileLayer, type Coords, type DoneCallback, type Layer } from 'leaflet'
import type { MapTiles } from '@/api/types'
import { readLand, traceLand } from './land'
import { worldPx, ZOOM_MAX, ZOOM_MIN } from './place'

const COAST_TILE_PX = 512
/** Nearer than this a coast of 1:50m is too coarse to be true: the sea fades out until only the grid is left. */
const SEA_FADES_AT_ZOOM = 8
const SEA_GONE_AT_ZOOM = 11

export function baseLayer(tiles: MapTiles | null): Layer {
  if (!tiles) return new CoastLayer({ tileSize: COAST_TILE_PX, noWrap: true, minZoom: ZOOM_MIN })
  return new TileLayer(tiles.tile_url, {
    maxZoom: ZOOM_MAX,
    noWrap: true,
    className: 'map-tiles',
    // Public tile servers ask who shows their tiles; the page that was open is nobody's business.
    referrerPolicy: 'origin',
  })
}

class CoastLayer extends GridLayer {
  protected override createTile(coords: Coords, done: DoneCallback): HTMLElement {
    const tile = document.createElement('canvas')
    const ratio = Math.min(2, window.devicePixelRatio)
    tile.width = COAST_TILE_PX * ratio
    tile.height = COAST_TILE_PX * ratio
    const context = tile.getContext('2d')
    if (!context) return tile
    const colours = getComputedStyle(this._map.getContainer())
    const colour = (name: string) => colours.getPropertyValue(name)
    context.scale(ratio, ratio)

    const strength = Math.min(
      1,
      (SEA_GONE_AT_ZOOM - coords.z) / (SEA_GONE_AT_ZOOM - SEA_FADES_AT_ZOOM),
    )
    const land = strength > 0 ? readLand() : Promise.resolve([])
    land
      .then((coasts) => {
        if (strength <= 0) return
        const size = COAST_TILE_PX / worldPx(coords.z)
        const sea = new Path2D()
        sea.rect(0, 0, COAST_TILE_PX, COAST_TILE_PX)
        traceLand(sea, coasts, { x: coords.x * size, y: coords.y * size, size }, COAST_TILE_PX)
        context.globalAlpha = strength
        context.fillStyle = colour('--map-sea')
        context.fill(sea, 'evenodd')
        context.globalAlpha = 1
      })
      // Without the coasts the grid still shows where things lie.
      .catch(() => undefined)
      .finally(() => {
        drawGrid(context, colour('--map-grid'))
        done(undefined, tile)
      })
    return tile
  }
}

/** Lines that move with the map, so an empty stretch of it still shows that it moves. */
function drawGrid(context: CanvasRenderingContext2D, colour: string): void {
  context.strokeStyle = colour
  context.lineWidth = 1
  context.beginPath()
  for (const at of [0.5, COAST_TILE_PX / 2 + 0.5]) {
    context.moveTo(at, 0)
    context.lineTo(at, COAST_TILE_PX)
    context.moveTo(0, at)
    context.lineTo(COAST_TILE_PX, at)
  }
  context.stroke()
}
