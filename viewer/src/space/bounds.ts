// The ball that holds most of some points.

import { inLayout } from "./camera";

const HELD_SHARE = 0.95;
/** Of fewer points all are held. */
const FEW_POINTS = 100;
const SAMPLED_POINTS = 5_000;

/** Middle of the points and the radius that holds 95 % of them, or all of a few, in the layout's units; of many points
 * a sample.
 */
export function bounds(
  values: Uint16Array,
  points: ArrayLike<number>,
): { center: [number, number, number]; radius: number } {
  const step = Math.max(1, Math.floor(points.length / SAMPLED_POINTS));
  const places: [number, number, number][] = [];
  for (let at = 0; at < points.length; at += step) places.push(placeOf(values, points[at]));
  const center = [0, 1, 2].map((axis) => median(places.map((place) => place[axis]))) as [number, number, number];
  const distances = places.map((place) => Math.hypot(...place.map((at, axis) => at - center[axis])));
  distances.sort((a, b) => a - b);
  const share = distances.length < FEW_POINTS ? 1 : HELD_SHARE;
  return { center, radius: distances[Math.floor(share * (distances.length - 1))] };
}

function placeOf(values: Uint16Array, point: number): [number, number, number] {
  return [0, 1, 2].map((axis) => inLayout(values[4 * point + axis])) as [number, number, number];
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}
