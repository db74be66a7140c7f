// @ts-check
/** How tiles fill a stage. Pure. */

export const RATIO = 16 / 9;
export const GAP = 12; // pixels, as in peermeet.css

/**
 * The number of columns that gives `n` tiles of one size the most room in `width` x `height` pixels.
 * @param {number} n
 * @param {number} width
 * @param {number} height
 * @returns {{columns: number, width: number}} columns, and a tile's width in pixels
 */
export function fit(n, width, height) {
  let best = { columns: 1, width: 0 };
  for (let columns = 1; columns <= Math.max(1, n); columns++) {
    const rows = Math.ceil(n / columns);
    const wide = (width - GAP * (columns - 1)) / columns;
    const high = ((height - GAP * (rows - 1)) / rows) * RATIO;
    const tile = Math.floor(Math.max(0, Math.min(wide, high)));
    if (tile > best.width) best = { columns, width: tile };
  }
  return best;
}
