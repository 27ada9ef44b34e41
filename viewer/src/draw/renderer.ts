// What the map asks of whoever turns points into pixels. There are two: webgl.ts on a graphics card, canvas.ts without.

import type { Viewport } from "../space/camera";
import type { Palette } from "../space/palette";
import type { Layer, Optics } from "../space/pick";

/** A layer as it is drawn. */
export interface PointLayer extends Layer {
  readonly palette: Palette;
  /** Points whose values are there; those do not change any more. */
  readonly loaded: number;
  /** Grow with each change of the columns; renderers that keep copies look at them. */
  readonly versions: { readonly codes: number; readonly indices: number };
}

/** What is the same for all points. */
export interface Look {
  /** RGB, 0 to 255. */
  readonly background: readonly [number, number, number];
  /** Share of a disc's pixels that is drawn. */
  readonly opacity: number;
  /** Depths between which points turn paler. */
  readonly fadeStart: number;
  readonly fadeEnd: number;
}

/** Draws opaque discs, the nearest in front, so that the order in which they come does not matter. */
export interface Renderer {
  readonly kind: "webgl" | "canvas";
  /** Whether points are drawn when `draw` returns, so that its time tells what they cost. */
  readonly isDoneAtOnce: boolean;
  /** Whether centres and radii are rounded, as in `Optics`. */
  readonly snaps: boolean;
  /** Empties the picture; `viewport` in device pixels. Only these layers are drawn until the next time. */
  clear(viewport: Viewport, layers: readonly PointLayer[]): void;
  /** Adds the points at places `start` to `stop` of the layer's indices. */
  draw(layer: PointLayer, start: number, stop: number, optics: Optics, look: Look): void;
  /** Shows what was drawn. */
  finish(): void;
  dispose(): void;
}
