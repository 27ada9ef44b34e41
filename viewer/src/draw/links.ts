// Lines between points: from the selected one to its neighbors, from a shared prompt to where a comparison has it, and
// from a placed text to its prompt.

import { NOT_SHARED } from "../data/comparison";
import { type Projection, project, projectPoint } from "../space/camera";
import type { State } from "../state";
import type { Colors } from "./colors";

const MOST_LINKS = 1_500;
/** Lines are seen over points of any colour by a rim of the background's. */
const RIM_OPACITY = 0.6;
/** Shorter ones, in the cloud's steps, are where rounding puts them. */
const SHORTEST = 64;

const [from, to] = [new Float64Array(3), new Float64Array(3)];

/** In CSS pixels. */
export function drawLinks(
  context: CanvasRenderingContext2D,
  state: State,
  projection: Projection,
  colors: Colors,
): void {
  context.beginPath();
  linkNeighbors(context, state, projection);
  context.strokeStyle = colors.background;
  context.lineWidth = 3.5;
  context.globalAlpha = RIM_OPACITY;
  context.stroke();
  context.strokeStyle = colors.accent;
  context.lineWidth = 1.5;
  context.globalAlpha = 0.9;
  context.stroke();
  context.lineWidth = 1;
  context.globalAlpha = 0.3;
  context.beginPath();
  if (state.mode === "compare" && state.comparisonView === "overlay") linkShared(context, state, projection);
  context.stroke();
  context.globalAlpha = 0.7;
  linkPlaced(context, state, projection, colors);
  context.globalAlpha = 1;
}

function linkNeighbors(context: CanvasRenderingContext2D, state: State, projection: Projection): void {
  const values = state.corpus?.cloud.values;
  if (values === undefined || state.selected === null) return;
  for (const neighbor of state.neighbors) link(context, projection, values, state.selected, values, neighbor);
}

/** Texts of two files with one id meet at their prompt: so far apart they are, and so far they went. */
function linkPlaced(context: CanvasRenderingContext2D, state: State, projection: Projection, colors: Colors): void {
  const values = state.corpus?.cloud.values;
  if (values === undefined) return;
  for (const { position, point, set } of state.placed) {
    if (point === null || !project(projection, position[0], position[1], position[2], from)) continue;
    if (!projectPoint(projection, values, point, to)) continue;
    context.strokeStyle = set === 0 ? colors.accent : colors.second;
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
    context.stroke();
  }
}

/** The first ones of a cloud are a fair sample of all. */
function linkShared(context: CanvasRenderingContext2D, state: State, projection: Projection): void {
  const { corpus, comparison } = state;
  if (corpus === null || comparison === null) return;
  const [own, other] = [corpus.cloud.values, comparison.cloud.values];
  let drawn = 0;
  for (let point = 0; point < comparison.same.length && drawn < MOST_LINKS; point++) {
    const same = comparison.same[point];
    if (same === NOT_SHARED || isNear(own, same, other, point)) continue;
    link(context, projection, own, same, other, point);
    drawn++;
  }
}

function isNear(a: Uint16Array, pointA: number, b: Uint16Array, pointB: number): boolean {
  for (let axis = 0; axis < 3; axis++) {
    if (Math.abs(a[4 * pointA + axis] - b[4 * pointB + axis]) > SHORTEST) return false;
  }
  return true;
}

function link(
  context: CanvasRenderingContext2D,
  projection: Projection,
  a: Uint16Array,
  pointA: number,
  b: Uint16Array,
  pointB: number,
): void {
  if (!projectPoint(projection, a, pointA, from) || !projectPoint(projection, b, pointB, to)) return;
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
}
