// An orbit camera as numbers: where it stands, what it does to a point, how gestures move it. Knows no canvas.

/** Looks at `target` from `distance` away; angles in radians, lengths in the layout's units. */
export interface CameraPose {
  yaw: number;
  pitch: number;
  distance: number;
  target: [number, number, number];
}

/** The whole map, a little from above. */
export const HOME: Readonly<CameraPose> = { yaw: 0.6, pitch: 0.35, distance: 2.9, target: [0, 0, 0] };

/** A picture's size in its own pixels. */
export interface Viewport {
  readonly width: number;
  readonly height: number;
}

/** Twelve numbers that take a cloud's u16 coordinates to (x pixel, y pixel, 1) times the depth; see `project`. */
export type Projection = Float64Array;

/** Nearest depth that is drawn, in the layout's units. */
export const NEAR = 0.02;

const FIELD_OF_VIEW = (50 * Math.PI) / 180;
const STEPS = 65535 / 2;
const MOST_PITCH = Math.PI / 2 - 0.01;
const DISTANCES = [0.04, 12] as const;
const FARTHEST_TARGET = 3;

/** Pixels that one unit takes up at depth one. */
export function focalLength(height: number): number {
  return height / 2 / Math.tan(FIELD_OF_VIEW / 2);
}

/** Fills `out`: pixel x = (row 0 . p) / depth, pixel y = (row 1 . p) / depth, depth = row 2 . p, with p = (x, y, z, 1)
 * in steps of 2 / 65535, as the cloud has them.
 */
export function writeProjection(pose: CameraPose, { width, height }: Viewport, out: Projection): void {
  const focal = focalLength(height);
  const [sy, cy, sp, cp] = [Math.sin(pose.yaw), Math.cos(pose.yaw), Math.sin(pose.pitch), Math.cos(pose.pitch)];
  // The camera's axes: right, up, and forward, which is away from the camera.
  writeRow(out, 8, -cp * sy, -sp, -cp * cy, pose.target, pose.distance);
  writeRow(out, 0, cy, 0, -sy, pose.target, 0);
  writeRow(out, 4, -sp * sy, cp, -sp * cy, pose.target, 0);
  for (let column = 0; column < 4; column++) {
    out[column] = focal * out[column] + (width / 2) * out[8 + column];
    out[4 + column] = -focal * out[4 + column] + (height / 2) * out[8 + column];
  }
}

function writeRow(
  out: Projection,
  at: number,
  x: number,
  y: number,
  z: number,
  target: readonly number[],
  offset: number,
): void {
  out[at] = x / STEPS;
  out[at + 1] = y / STEPS;
  out[at + 2] = z / STEPS;
  out[at + 3] = offset - x * (target[0] + 1) - y * (target[1] + 1) - z * (target[2] + 1);
}

/** A coordinate of a cloud in the layout's units. */
export function inLayout(steps: number): number {
  return steps / STEPS - 1;
}

/** Writes pixel x, pixel y and depth of a place of the layout to `out`; false where it is not in front of the camera. */
export function project(m: Projection, x: number, y: number, z: number, out: Float64Array): boolean {
  return projectSteps(m, (x + 1) * STEPS, (y + 1) * STEPS, (z + 1) * STEPS, out);
}

/** The same for a point of a cloud. */
export function projectPoint(m: Projection, values: Uint16Array, point: number, out: Float64Array): boolean {
  const at = 4 * point;
  return projectSteps(m, values[at], values[at + 1], values[at + 2], out);
}

function projectSteps(m: Projection, x: number, y: number, z: number, out: Float64Array): boolean {
  const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
  out[0] = (m[0] * x + m[1] * y + m[2] * z + m[3]) / depth;
  out[1] = (m[4] * x + m[5] * y + m[6] * z + m[7]) / depth;
  out[2] = depth;
  return depth > NEAR;
}

export function copyPose(from: CameraPose, to: CameraPose): void {
  to.yaw = from.yaw;
  to.pitch = from.pitch;
  to.distance = from.distance;
  for (let axis = 0; axis < 3; axis++) to.target[axis] = from.target[axis];
}

export function orbit(pose: CameraPose, yaw: number, pitch: number): void {
  pose.yaw += yaw;
  pose.pitch = Math.min(MOST_PITCH, Math.max(-MOST_PITCH, pose.pitch + pitch));
}

/** Moves the picture by so many pixels at the depth of the target. */
export function pan(pose: CameraPose, dx: number, dy: number, height: number): void {
  const unit = pose.distance / focalLength(height);
  const [sy, cy, sp, cp] = [Math.sin(pose.yaw), Math.cos(pose.yaw), Math.sin(pose.pitch), Math.cos(pose.pitch)];
  const [right, up] = [-dx * unit, dy * unit];
  moveTarget(pose, right * cy - up * sp * sy, up * cp, -right * sy - up * sp * cy);
}

function moveTarget(pose: CameraPose, x: number, y: number, z: number): void {
  const moved = [pose.target[0] + x, pose.target[1] + y, pose.target[2] + z];
  for (let axis = 0; axis < 3; axis++) {
    pose.target[axis] = Math.min(FARTHEST_TARGET, Math.max(-FARTHEST_TARGET, moved[axis]));
  }
}

/** Multiplies the distance by `factor`; what lies so many pixels from the middle, at the target's depth, stays there. */
export function zoom(pose: CameraPose, factor: number, dx: number, dy: number, height: number): void {
  const distance = Math.min(DISTANCES[1], Math.max(DISTANCES[0], pose.distance * factor));
  const share = 1 - distance / pose.distance;
  pan(pose, -dx * share, -dy * share, height);
  pose.distance = distance;
}

/** Moves `pose` by a share of the way to `goal`; false when it is there, then exactly. */
export function approach(pose: CameraPose, goal: CameraPose, share: number): boolean {
  const near = 2e-4;
  let rest = Math.abs(goal.yaw - pose.yaw) + Math.abs(goal.pitch - pose.pitch);
  rest += Math.abs(Math.log(goal.distance / pose.distance));
  for (let axis = 0; axis < 3; axis++) rest += Math.abs(goal.target[axis] - pose.target[axis]) / goal.distance;
  if (rest < near || share >= 1) {
    copyPose(goal, pose);
    return false;
  }
  pose.yaw += share * (goal.yaw - pose.yaw);
  pose.pitch += share * (goal.pitch - pose.pitch);
  pose.distance *= (goal.distance / pose.distance) ** share;
  for (let axis = 0; axis < 3; axis++) pose.target[axis] += share * (goal.target[axis] - pose.target[axis]);
  return true;
}

/** The distance from which a ball of this radius fills most of a picture. */
export function distanceFor(radius: number, { width, height }: Viewport): number {
  const half = Math.atan(Math.tan(FIELD_OF_VIEW / 2) * Math.min(1, width / height));
  return Math.min(DISTANCES[1], Math.max(0.15, radius / Math.sin(half)));
}
