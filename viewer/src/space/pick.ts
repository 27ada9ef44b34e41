// Which point is drawn at a pixel: the nearest of those whose disc covers it, by the renderers' own rule (disc.ts).
// Holes that opacity leaves in a disc count as disc: what is in front is what is meant.

import { NEAR, type Projection } from "./camera";
import { FAINT, SMALLEST_RADIUS, stampOf, stampRadius } from "./disc";

/** Points that are drawn in one go. */
export interface Layer {
  /** As in a Cloud. */
  readonly values: Uint16Array;
  /** Points that are drawn, ascending: the first `count` of these. */
  readonly indices: Uint32Array;
  readonly count: number;
  /** For each point: code of its colour | code of its size << 8. */
  readonly codes: Uint16Array;
  /** [256] size by code. */
  readonly radii: Float32Array;
}

/** How points become pixels; all in device pixels. */
export interface Optics {
  readonly projection: Projection;
  readonly scale: number;
  readonly largest: number;
  /** Whether centres and radii are rounded to whole pixels and stamps. */
  readonly snaps: boolean;
}

/** What a pick found. */
export interface Hit {
  point: number;
  depth: number;
  isFaint: boolean;
}

/** The point at the middle of pixel (column, row) in `hit`; false where there is none. */
export function pick(layer: Layer, optics: Optics, column: number, row: number, hit: Hit): boolean {
  const { values, indices, count, codes, radii } = layer;
  const { projection: m, scale, largest, snaps } = optics;
  const [pixelX, pixelY] = [column + 0.5, row + 0.5];
  const reach = Math.max(largest, SMALLEST_RADIUS) + 1;
  hit.point = -1;
  hit.depth = Infinity;
  hit.isFaint = true;
  for (let at = 0; at < count; at++) {
    const point = indices[at];
    const [x, y, z] = [values[4 * point], values[4 * point + 1], values[4 * point + 2]];
    const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
    if (depth <= NEAR) continue;
    let dx = (m[0] * x + m[1] * y + m[2] * z + m[3]) / depth - pixelX;
    if (dx > reach || dx < -reach) continue;
    let dy = (m[4] * x + m[5] * y + m[6] * z + m[7]) / depth - pixelY;
    if (dy > reach || dy < -reach) continue;
    const size = codes[point] >> 8;
    let radius = Math.max(SMALLEST_RADIUS, Math.min(largest, (scale * radii[size]) / depth));
    if (snaps) {
      radius = stampRadius(stampOf(radius));
      dx = Math.floor(dx + pixelX) - column;
      dy = Math.floor(dy + pixelY) - row;
    }
    if (dx * dx + dy * dy > radius * radius) continue;
    const isFaint = size >= FAINT;
    const rounded = Math.fround(depth);
    if (isFaint === hit.isFaint ? rounded >= hit.depth : isFaint) continue;
    hit.point = point;
    hit.depth = rounded;
    hit.isFaint = isFaint;
  }
  return hit.point >= 0;
}

/** The point whose centre is nearest to a pixel, at most `reach` pixels away, in `hit`; for fingers and small discs. */
export function pickNearest(
  layer: Layer,
  optics: Optics,
  column: number,
  row: number,
  reach: number,
  hit: Hit,
): boolean {
  const { values, indices, count, codes } = layer;
  const m = optics.projection;
  let nearest = reach * reach;
  hit.point = -1;
  for (let at = 0; at < count; at++) {
    const point = indices[at];
    const [x, y, z] = [values[4 * point], values[4 * point + 1], values[4 * point + 2]];
    const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
    if (depth <= NEAR || codes[point] >> 8 >= FAINT) continue;
    const dx = (m[0] * x + m[1] * y + m[2] * z + m[3]) / depth - column - 0.5;
    if (dx > reach || dx < -reach) continue;
    const dy = (m[4] * x + m[5] * y + m[6] * z + m[7]) / depth - row - 0.5;
    if (dx * dx + dy * dy >= nearest) continue;
    nearest = dx * dx + dy * dy;
    hit.point = point;
    hit.depth = depth;
    hit.isFaint = false;
  }
  return hit.point >= 0;
}

/** Whether hit `a` is drawn over hit `b`. */
export function isInFront(a: Hit, b: Hit): boolean {
  return a.isFaint === b.isFaint ? a.depth < b.depth : b.isFaint;
}
