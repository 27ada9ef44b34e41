// What stands over the points: names of clusters, rings, links, placed texts, the lasso, the crosshair.

import type { Corpus } from "../data/corpus";
import { type Projection, project, projectPoint } from "../space/camera";
import { showsCluster } from "../space/filter";
import type { Covered } from "../space/framing";
import { arrange, type Box, clusterLabels } from "../space/labels";
import type { ClusterFilter, Filter, PlacedText, State } from "../state";
import type { Colors } from "./colors";
import { drawLinks } from "./links";

const FONT_PIXELS = 12;
const FONT = `${FONT_PIXELS}px system-ui, sans-serif`;
const AIR = { x: 14, y: 8 };
/** Rims let points shine through. */
const RIM_OPACITY = 0.85;
/** Names stand over their place, not in front of it. */
const LIFT = 8;
const PLACED_SHOWN = 40;
const PLACED_CHARACTERS = 28;

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
  #boxes: Box[] = [];
  /** The names of the clusters that a filter leaves. */
  #left: Box[] = [];
  #filter: ClusterFilter | null = null;
  #corpus: Corpus | null = null;
  readonly #shorts = new WeakMap<PlacedText, string>();

  /** Whether names of clusters are there for these points. */
  isNamed(corpus: Corpus): boolean {
    return this.#corpus === corpus;
  }

  /** Finds places for the names of a corpus' clusters. */
  name(corpus: Corpus, labels: Uint16Array | Uint32Array, context: CanvasRenderingContext2D): void {
    context.font = FONT;
    this.#corpus = corpus;
    this.#filter = null;
    this.#boxes = clusterLabels(corpus.cloud, labels, corpus.meta.clusters).map((label) => ({
      label,
      width: context.measureText(label.text).width + AIR.x,
      height: FONT_PIXELS + AIR.y,
      x: 0,
      y: 0,
      isShown: false,
      wasShown: false,
    }));
  }

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
    context.font = FONT;
    if (this.#corpus !== state.corpus) this.#forget();
    if (state.corpus === null) return;
    drawLinks(context, state, projection, colors);
    if (state.showLabels && this.#boxes.length > 0) {
      const { right, bottom } = this.covered;
      this.#drawNames(context, projection, colors, state.filter, width - right, height - bottom);
    }
    this.#drawRings(context, state, projection, colors, radiusOf);
    this.#drawPlaced(context, state, projection, colors);
    this.#drawLasso(context, colors);
    if (!this.hasCrosshair) return;
    drawCrosshair(context, colors, (width - this.covered.right) / 2, (height - this.covered.bottom) / 2, this.ring);
  }

  /** Keeps nothing of a snapshot that is no longer shown. */
  #forget(): void {
    this.#corpus = null;
    this.#boxes = [];
    this.#left = [];
    this.#filter = null;
  }

  #drawNames(
    context: CanvasRenderingContext2D,
    projection: Projection,
    colors: Colors,
    filter: Filter,
    width: number,
    height: number,
  ): void {
    if (this.#filter !== filter.clusters) {
      this.#filter = filter.clusters;
      this.#left = this.#boxes.filter(({ label }) => showsCluster(filter, label.cluster));
    }
    const boxes = this.#left;
    arrange(boxes, projection, width, height);
    context.textAlign = "center";
    for (let at = 0; at < boxes.length; at++) {
      const box = boxes[at];
      if (box.isShown) drawText(context, colors, box.label.text, box.x, box.y - LIFT);
    }
    context.textAlign = "start";
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

  #drawPlaced(context: CanvasRenderingContext2D, state: State, projection: Projection, colors: Colors): void {
    state.placed.forEach((placed, index) => {
      const { position } = placed;
      if (!project(projection, position[0], position[1], position[2], place)) return;
      drawDiamond(context, placed.set === 0 ? colors.accent : colors.second, colors.background, place[0], place[1]);
      if (index >= PLACED_SHOWN) return;
      drawText(context, colors, this.#short(placed), place[0] + 10, place[1]);
    });
  }

  #short(placed: PlacedText): string {
    let short = this.#shorts.get(placed);
    if (short === undefined) {
      const letters = [...placed.text.slice(0, 4 * PLACED_CHARACTERS)];
      const isLong = letters.length > PLACED_CHARACTERS;
      short = isLong ? `${letters.slice(0, PLACED_CHARACTERS - 1).join("")}…` : placed.text;
      this.#shorts.set(placed, short);
    }
    return short;
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

/** Text with a rim of the background's colour, so that it can be read over points. */
function drawText(context: CanvasRenderingContext2D, colors: Colors, text: string, x: number, y: number): void {
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = colors.background;
  context.globalAlpha = RIM_OPACITY;
  context.strokeText(text, x, y);
  context.globalAlpha = 1;
  context.fillStyle = colors.text;
  context.fillText(text, x, y);
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
  context.lineWidth = 1.5;
  context.strokeStyle = colors.accent;
  context.stroke();
}
