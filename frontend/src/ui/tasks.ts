// Long work is done in pieces, so that a slow phone hears fingers in between.

/** When the browser has done what it had to do. */
export const nextTask = () => new Promise<void>((resolve) => setTimeout(resolve))

/** When what is there has been painted. */
export const painted = () =>
  new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
