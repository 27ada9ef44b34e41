// The grid and the axes behind the points.

import { NEAR, type Projection, project } from "../space/camera";
import type { Colors } from "./colors";

const STEP = 0.25;
const FLOOR = -1;
const NAMES = ["x", "y", "z"] as const;
/** Where the axes end; all begin in one corner. */
const ENDS = [
  [1, FLOOR, -1],
  [-1, 1, -1],
  [-1, FLOOR, 1],
] as const;

const [from, to] = [new Float64Array(3), new Float64Array(3)];

/** Draws into an empty picture; lengths in CSS pixels times `ratio`. */
export function drawBackdrop(
  context: CanvasRenderingContext2D,
  projection: Projection,
  colors: Colors,
  ratio: number,
): void {
  context.lineWidth = ratio;
  context.strokeStyle = colors.grid;
  context.beginPath();
  for (let at = -1; at <= 1; at += STEP) {
    line(context, projection, at, FLOOR, -1, at, FLOOR, 1);
    line(context, projection, -1, FLOOR, at, 1, FLOOR, at);
  }
  context.stroke();
  drawAxes(context, projection, colors, ratio);
}

function drawAxes(context: CanvasRenderingContext2D, projection: Projection, colors: Colors, ratio: number): void {
  context.strokeStyle = colors.text;
  context.fillStyle = colors.text;
  context.globalAlpha = 0.45;
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  context.beginPath();
  for (let axis = 0; axis < 3; axis++) {
    const end = ENDS[axis];
    line(context, projection, -1, FLOOR, -1, end[0], end[1], end[2]);
    if (project(projection, end[0], end[1], end[2], to)) context.fillText(NAMES[axis], to[0] + 5 * ratio, to[1]);
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** A line in space; the part of it that is behind the camera is cut off. */
function line(
  context: CanvasRenderingContext2D,
  projection: Projection,
  x0: number,
  y0: number,
  z0: number,
  x1: number,
  y1: number,
  z1: number,
): void {
  const isFromSeen = project(projection, x0, y0, z0, from);
  const isToSeen = project(projection, x1, y1, z1, to);
  if (!isFromSeen && !isToSeen) return;
  if (!isFromSeen || !isToSeen) {
    const share = (NEAR * 1.01 - from[2]) / (to[2] - from[2]);
    const [x, y, z] = [x0 + share * (x1 - x0), y0 + share * (y1 - y0), z0 + share * (z1 - z0)];
    if (!project(projection, x, y, z, isFromSeen ? to : from)) return;
  }
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
}
