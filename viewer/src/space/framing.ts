// Where the camera stands to show points in the part of the map that no panel hides.

import { type CameraPose, distanceFor, pan, project, type Viewport, writeProjection } from "./camera";

/** Pixels that a panel hides, at the right and at the bottom. */
export interface Covered {
  readonly right: number;
  readonly bottom: number;
}

/** Nearer to an edge a point is hard to see with what surrounds it. */
const MARGIN = 48;

const [projection, place] = [new Float64Array(12), new Float64Array(3)];

/** Moves the camera so that a ball fills the free part. */
export function frameBall(
  pose: CameraPose,
  center: readonly [number, number, number],
  radius: number,
  size: Viewport,
  { right, bottom }: Covered,
): void {
  const free = Math.min(size.width - right, size.height - bottom);
  pose.target = [...center];
  pose.distance = distanceFor(radius, { width: free, height: size.height });
  pan(pose, -right / 2, -bottom / 2, size.height);
}

/** Moves the camera as little as it takes to have a place of the layout in the free part, and in its middle when it was
 * out of the picture; false where the place is behind the camera.
 */
export function uncover(
  pose: CameraPose,
  position: readonly [number, number, number],
  size: Viewport,
  { right, bottom }: Covered,
): boolean {
  writeProjection(pose, size, projection);
  if (!project(projection, position[0], position[1], position[2], place)) return false;
  const [x, y, depth] = place;
  const isSeen = x >= 0 && y >= 0 && x <= size.width && y <= size.height;
  const across = isSeen ? inside(x, size.width - right) : (size.width - right) / 2;
  const down = isSeen ? inside(y, size.height - bottom) : (size.height - bottom) / 2;
  const scale = depth / pose.distance;
  if (across !== x || down !== y) pan(pose, (across - x) * scale, (down - y) * scale, size.height);
  return true;
}

function inside(at: number, length: number): number {
  return Math.max(MARGIN, Math.min(length - MARGIN, at));
}
