// Points inside a line drawn by hand: the line as a mask of pixels, one look into it a point.

import { NEAR, type Projection, type Viewport } from "./camera";

/** The points of `indices` whose centres are inside the polygon (x, y, x, y, ... in pixels; even-odd rule), ascending. */
export function pointsInside(
  values: Uint16Array,
  indices: Uint32Array,
  projection: Projection,
  polygon: ArrayLike<number>,
  viewport: Viewport,
): Uint32Array {
  const { width, height } = viewport;
  const mask = polygonMask(polygon, viewport);
  const inside = new Uint32Array(indices.length);
  const m = projection;
  let count = 0;
  for (const point of indices) {
    const at = 4 * point;
    const [x, y, z] = [values[at], values[at + 1], values[at + 2]];
    const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
    if (depth <= NEAR) continue;
    const column = Math.floor((m[0] * x + m[1] * y + m[2] * z + m[3]) / depth);
    const row = Math.floor((m[4] * x + m[5] * y + m[6] * z + m[7]) / depth);
    if (column < 0 || row < 0 || column >= width || row >= height) continue;
    inside[count] = point;
    count += mask[row * width + column];
  }
  return inside.slice(0, count);
}

/** [height x width] 1 for pixels whose middle is inside. */
export function polygonMask(polygon: ArrayLike<number>, { width, height }: Viewport): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const crossings = crossingsAt(polygon, row + 0.5);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const first = Math.max(0, Math.ceil(crossings[pair] - 0.5));
      const last = Math.min(width, Math.ceil(crossings[pair + 1] - 0.5));
      if (last > first) mask.fill(1, row * width + first, row * width + last);
    }
  }
  return mask;
}

/** Where the closed polygon crosses a horizontal line, from the left. */
function crossingsAt(polygon: ArrayLike<number>, y: number): number[] {
  const crossings: number[] = [];
  for (let at = 0; at + 1 < polygon.length; at += 2) {
    const next = (at + 2) % polygon.length;
    const [y0, y1] = [polygon[at + 1], polygon[next + 1]];
    if (y0 <= y === y1 <= y) continue;
    crossings.push(polygon[at] + ((y - y0) / (y1 - y0)) * (polygon[next] - polygon[at]));
  }
  return crossings.sort((a, b) => a - b);
}
