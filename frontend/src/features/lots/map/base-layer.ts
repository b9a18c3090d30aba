// What lies below the marks: the tiles that the installation has set, or the coasts of the world.
import { GridLayer, TileLayer, type Coords, type DoneCallback, type Layer } from 'leaflet'
import type { MapTiles } from '@/api/types'
import { readLand, traceLand, type Coast } from './land'
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

/** Tiles with lines that move with the map (map.css), so an empty stretch of it still shows that it moves. */
class CoastLayer extends GridLayer {
  protected override createTile(coords: Coords, done: DoneCallback): HTMLElement {
    const tile = document.createElement('div')
    tile.className = 'map-grid'
    // Without the coasts the grid still shows where things lie.
    this.addSea(tile, coords)
      .catch(() => undefined)
      .finally(() => done(undefined, tile))
    return tile
  }

  private async addSea(tile: HTMLElement, coords: Coords): Promise<void> {
    const depth = (SEA_GONE_AT_ZOOM - coords.z) / (SEA_GONE_AT_ZOOM - SEA_FADES_AT_ZOOM)
    if (depth <= 0) return
    const coasts = await readLand()
    tile.append(drawSea(coasts, coords, Math.min(1, depth), this._map.getContainer()))
  }
}

function drawSea(coasts: readonly Coast[], { x, y, z }: Coords, alpha: number, map: Element) {
  const canvas = document.createElement('canvas')
  const ratio = Math.min(2, window.devicePixelRatio)
  canvas.width = COAST_TILE_PX * ratio
  canvas.height = COAST_TILE_PX * ratio
  const context = canvas.getContext('2d')
  if (!context) return canvas
  const size = COAST_TILE_PX / worldPx(z)
  const sea = new Path2D()
  sea.rect(0, 0, COAST_TILE_PX, COAST_TILE_PX)
  traceLand(sea, coasts, { x: x * size, y: y * size, size }, COAST_TILE_PX)
  context.scale(ratio, ratio)
  context.globalAlpha = alpha
  context.fillStyle = getComputedStyle(map).getPropertyValue('--map-sea')
  context.fill(sea, 'evenodd')
  return canvas
}
