// After a navigation the focus belongs to the h1 of the new page, whenever it comes: its layout may still be loading, and
// a page that waits for data draws its heading twice. Once the reader acts, the focus is theirs.

let wanted = false

export function wantHeadingFocus(): void {
  wanted = true
}

export function offerHeading(heading: HTMLElement | null): void {
  if (!wanted || !heading || document.querySelector('[role="dialog"]')) return
  heading.focus({ preventScroll: true })
}

for (const act of ['keydown', 'pointerdown'] as const) {
  window.addEventListener(act, () => (wanted = false), { capture: true })
}
