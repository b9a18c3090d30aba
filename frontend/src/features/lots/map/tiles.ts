// The street map that an installation has set, if any.
import { computed } from 'vue'
import { useSetup } from '../queries'

/** The address of one tile, as Leaflet fills it in. */
export function tileUrl(
  template: string,
  { x, y, z }: { x: number; y: number; z: number },
): string {
  const parts: Record<string, string | number> = { x, y, z, s: 'a', r: '' }
  return template.replace(/\{([a-z])\}/g, (whole, name: string) => String(parts[name] ?? whole))
}

export interface AttributionPart {
  text: string
  href: string | null
}

/** Whose map it is, as plain text and links: other markup of the setting never reaches the page. */
export function attributionParts(html: string): AttributionPart[] {
  const { body } = new DOMParser().parseFromString(html, 'text/html')
  return [...body.childNodes]
    .map((node) => ({ text: node.textContent ?? '', href: linkOf(node) }))
    .filter((part) => part.text !== '')
}

function linkOf(node: Node): string | null {
  const href = node instanceof HTMLAnchorElement ? node.getAttribute('href') : null
  return href && /^https?:\/\//.test(href) ? href : null
}

export function useMapTiles() {
  const setup = useSetup()
  return {
    /** Whether it is known which map there is. */
    known: computed(() => !setup.isPending.value),
    tiles: computed(() => setup.data.value?.map ?? null),
  }
}
