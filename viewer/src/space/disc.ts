// How large a point's disc is and which pixels it covers. The one rule that both renderers and picking follow:
//
//   radius in device pixels = clamp(scale * radii[code >> 8] / depth, SMALLEST_RADIUS, largest)
//
// where `scale` is the radius of a disc of size 1 at depth 1. A disc covers the pixels whose middle is not farther from
// its centre than its radius. Renderers that draw whole pixels (`snaps`) round centre and radius first, see below.

import { focalLength } from "./camera";

/** Codes of sizes from here on are of points in the background: paler, and behind all others. */
export const FAINT = 128;
/** A disc of this radius covers at least one pixel wherever its centre falls. */
export const SMALLEST_RADIUS = 0.75;

/** Largest radius in CSS pixels. */
const LARGEST_RADIUS = 26;
/** Radius in the layout's units of a disc of size 1 on a map of so many points; it shrinks slowly with more. */
const USUAL_RADIUS = 0.0032;
const USUAL_POINTS = 250_000;
const SHRINKING = 0.2;
/** From here on discs shrink while the camera comes nearer: what is one clump from afar comes apart. */
const USUAL_DISTANCE = 2.4;
const COMING_APART = 0.55;
const FINE_STEPS = 4;
const FINE_RADIUS = 5;

/** Device pixels of radius of a disc of size 1 at depth 1. `distance` is the camera's, `height` in device pixels. */
export function discScale(sizeFactor: number, numPoints: number, distance: number, height: number): number {
  const radius = USUAL_RADIUS * (USUAL_POINTS / Math.max(500, numPoints)) ** SHRINKING;
  const nearness = Math.min(1, distance / USUAL_DISTANCE) ** COMING_APART;
  return sizeFactor * radius * nearness * focalLength(height);
}

/** Device pixels of the largest disc's radius; it gives way to a size factor above one. */
export function largestRadius(sizeFactor: number, pixelRatio: number): number {
  return LARGEST_RADIUS * pixelRatio * Math.max(1, Math.sqrt(sizeFactor));
}

/** Number of the stamp for a radius: quarters of a pixel up to five pixels, whole ones above. */
export function stampOf(radius: number): number {
  if (radius < FINE_RADIUS) return Math.round(radius * FINE_STEPS);
  return FINE_RADIUS * FINE_STEPS + Math.round(radius - FINE_RADIUS);
}

/** The radius of a stamp. */
export function stampRadius(stamp: number): number {
  const fine = FINE_RADIUS * FINE_STEPS;
  return stamp < fine ? stamp / FINE_STEPS : FINE_RADIUS + stamp - fine;
}
