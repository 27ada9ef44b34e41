// What stands over the points: names of clusters, rings, links, placed texts, the lasso, the crosshair.

import { type Projection, project, projectPoint } from "../space/camera";
import type { Covered } from "../space/framing";
import type { State } from "../state";
import type { Colors } from "./colors";
import { drawLinks } from "./links";
import { Names } from "./names";

const ARMS = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;

const place = new Float64Array(3);

/** Works in CSS pixels of the map: its context is scaled to them, its projection made for them. */
export class Overlay {
  /** The line drawn so far, x, y, x, y, ... */
  lasso: readonly number[] = [];
  /** Whether a crosshair shows what Enter selects. */
  hasCrosshair = false;
  /** Radius of the ring round it, in which a key marks; null where none is drawn. */
  ring: number | null = null;
  /** Names keep clear of what a panel hides. */
  covered: Covered = { right: 0, bottom: 0 };
  readonly names = new Names();

  /** `radiusOf` gives the drawn radius of a point of the corpus. */
  draw(
    context: CanvasRenderingContext2D,
    state: State,
    projection: Projection,
    colors: Colors,
    width: number,
    height: number,
    radiusOf: (point: number, depth: number) => number,
  ): void {
    if (state.corpus === null) return;
    const { right, bottom } = this.covered;
    this.names.arrange(context, state, projection, width - right, height - bottom);
    drawLinks(context, state, projection, colors);
    if (state.showLabels) this.names.drawClusters(context, colors);
    this.#drawRings(context, state, projection, colors, radiusOf);
    drawPlaced(context, state, projection, colors);
    this.names.drawTexts(context, colors);
    this.#drawLasso(context, colors);
    if (!this.hasCrosshair) return;
    drawCrosshair(context, colors, (width - right) / 2, (height - bottom) / 2, this.ring);
  }

  #drawRings(
    context: CanvasRenderingContext2D,
    state: State,
    projection: Projection,
    colors: Colors,
    radiusOf: (point: number, depth: number) => number,
  ): void {
    const values = state.corpus?.cloud.values;
    if (values === undefined) return;
    const ring = (point: number, gap: number, width: number) => {
      if (!projectPoint(projection, values, point, place)) return;
      drawRing(context, colors, place[0], place[1], radiusOf(point, place[2]) + gap, width);
    };
    for (const neighbor of state.neighbors) ring(neighbor, 2, 1);
    if (state.hovered !== null) ring(state.hovered, 2.5, 1.5);
    if (state.selected !== null) {
      ring(state.selected, 2.5, 2);
      ring(state.selected, 7, 1);
    }
    const other = state.comparison?.cloud.values;
    if (state.hoveredOther === null || other === undefined) return;
    if (projectPoint(projection, other, state.hoveredOther, place))
      drawRing(context, colors, place[0], place[1], 8, 1.5);
  }

  #drawLasso(context: CanvasRenderingContext2D, colors: Colors): void {
    if (this.lasso.length < 4) return;
    context.beginPath();
    for (let at = 0; at < this.lasso.length; at += 2) context.lineTo(this.lasso[at], this.lasso[at + 1]);
    context.closePath();
    context.strokeStyle = colors.accent;
    context.lineWidth = 1.5;
    context.stroke();
    context.globalAlpha = 0.12;
    context.fillStyle = colors.accent;
    context.fill();
    context.globalAlpha = 1;
  }
}

function drawPlaced(context: CanvasRenderingContext2D, state: State, projection: Projection, colors: Colors): void {
  for (const { position, set } of state.placed) {
    if (!project(projection, position[0], position[1], position[2], place)) continue;
    drawDiamond(context, set === 0 ? colors.accent : colors.second, colors.background, place[0], place[1]);
  }
}

function drawRing(
  context: CanvasRenderingContext2D,
  colors: Colors,
  x: number,
  y: number,
  radius: number,
  width: number,
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = width + 2;
  context.strokeStyle = colors.background;
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = colors.accent;
  context.stroke();
}

function drawDiamond(context: CanvasRenderingContext2D, fill: string, rim: string, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x, y - 6);
  context.lineTo(x + 6, y);
  context.lineTo(x, y + 6);
  context.lineTo(x - 6, y);
  context.closePath();
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = rim;
  context.stroke();
}

function drawCrosshair(
  context: CanvasRenderingContext2D,
  colors: Colors,
  x: number,
  y: number,
  ring: number | null,
): void {
  context.beginPath();
  for (const [dx, dy] of ARMS) {
    context.moveTo(x + 4 * dx, y + 4 * dy);
    context.lineTo(x + 12 * dx, y + 12 * dy);
  }
  if (ring !== null) {
    context.moveTo(x + ring, y);
    context.arc(x, y, ring, 0, 2 * Math.PI);
  }
  context.lineWidth = 3.5;
  context.strokeStyle = colors.background;
  context.stroke();
  context.lineWidth = 1.5;
  context.strokeStyle = colors.accent;
  context.stroke();
}
