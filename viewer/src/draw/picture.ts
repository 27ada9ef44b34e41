// The map as pixels: three canvases over each other, behind the points, the points, and over them.

import type { CameraPose, Viewport } from "../space/camera";
import type { State } from "../state";
import { drawBackdrop } from "./backdrop";
import { type Colors, readColors } from "./colors";
import type { Overlay } from "./overlay";
import { Pace } from "./pace";
import type { Renderer } from "./renderer";
import type { Scene } from "./scene";
import { Surface } from "./surface";
import type { View } from "./view";

/** Points that are tried in the first frame; then frames tell how many fit. */
const FIRST_POINTS = 100_000;

export class Picture {
  colors: Colors = readColors();
  /** Milliseconds that the first part of the last new picture took. */
  lastFrame = 0;
  readonly #scene: Scene;
  readonly #view: View;
  readonly #overlay: Overlay;
  readonly #surface: Surface;
  readonly #back = newContext();
  readonly #front = newContext();
  readonly #pace = new Pace(FIRST_POINTS);

  /** `onChange` when all must be drawn again; `onTrouble` with what to tell people, null when it is over. */
  constructor(
    scene: Scene,
    view: View,
    overlay: Overlay,
    onChange: () => void,
    onTrouble: (sentence: string | null) => void,
  ) {
    this.#scene = scene;
    this.#view = view;
    this.#overlay = overlay;
    this.#surface = new Surface(onChange, onTrouble);
  }

  /** From the back to the front. */
  get elements(): readonly HTMLElement[] {
    return [this.#back.canvas, this.#surface.host, this.#front.canvas];
  }

  /** What texts are measured with. */
  get context(): CanvasRenderingContext2D {
    return this.#front;
  }

  get kind(): Renderer["kind"] | null {
    return this.#surface.renderer?.kind ?? null;
  }

  /** Whether all points are drawn; also where nobody can draw them yet. */
  get isComplete(): boolean {
    return this.#surface.renderer === null || this.#pace.isComplete;
  }

  resize(host: HTMLElement): void {
    this.#view.resize(host);
    for (const { canvas } of [this.#back, this.#front]) {
      canvas.width = this.#view.viewport.width;
      canvas.height = this.#view.viewport.height;
    }
  }

  /** Begins anew, with what is behind the points. False where nobody can draw points yet. */
  begin(state: State, pose: CameraPose): boolean {
    if (state.corpus !== null) this.#surface.start();
    const { renderer } = this.#surface;
    const view = this.#view;
    view.aim(pose, this.#scene.own?.cloud.numPoints ?? 1, state.sizeFactor, renderer?.snaps ?? false);
    view.look.background = this.colors.backgroundRgb;
    view.look.opacity = state.opacity;
    this.#back.clearRect(0, 0, view.viewport.width, view.viewport.height);
    if (state.showGrid) drawBackdrop(this.#back, view.optics.projection, this.colors, view.ratio);
    if (renderer === null) return false;
    renderer.clear(view.viewport, this.#scene.layers);
    this.#pace.restart();
    return true;
  }

  /** Adds as many points as fit into a frame. */
  proceed(now: number): void {
    const { renderer } = this.#surface;
    if (renderer === null || this.#pace.isComplete) return;
    const start = performance.now();
    const isFirst = this.#pace.drawn === 0;
    const { layers, total } = this.#scene;
    if (!renderer.isDoneAtOnce) this.#pace.begin(now);
    const next = this.#pace.next(total);
    for (const layer of layers) {
      const from = Math.floor(this.#pace.drawn * layer.count);
      const to = Math.floor(next * layer.count);
      if (to > from) renderer.draw(layer, from, to, this.#view.optics, this.#view.look);
    }
    if (renderer.isDoneAtOnce) this.#pace.tell((next - this.#pace.drawn) * total, performance.now() - start);
    renderer.finish();
    this.#pace.drawn = next;
    if (isFirst) this.lastFrame = performance.now() - start;
  }

  /** To call when no frame follows. */
  rest(): void {
    this.#pace.rest();
  }

  drawFront(state: State): void {
    const { size, ratio, viewport, projection } = this.#view;
    this.#front.setTransform(1, 0, 0, 1, 0, 0);
    this.#front.clearRect(0, 0, viewport.width, viewport.height);
    this.#front.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#overlay.draw(this.#front, state, projection, this.colors, size.width, size.height, this.#radiusOf);
  }

  /** As it is, as a PNG. */
  save(): Promise<Blob> {
    const layers = [this.#back.canvas, this.#surface.canvas, this.#front.canvas];
    return flatten(layers, this.#view.viewport, this.colors.background);
  }

  /** CSS pixels of a drawn disc. */
  readonly #radiusOf = (point: number, depth: number): number => {
    const { own } = this.#scene;
    if (own === null) return 0;
    const { scale, largest } = this.#view.optics;
    return Math.min(largest, (scale * own.radii[own.codes[point] >> 8]) / depth) / this.#view.ratio;
  };
}

function newContext(): CanvasRenderingContext2D {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) throw new Error("This browser has no canvas to draw on.");
  return context;
}

async function flatten(layers: readonly HTMLCanvasElement[], size: Viewport, background: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser cannot make pictures.");
  context.fillStyle = background;
  context.fillRect(0, 0, size.width, size.height);
  for (const layer of layers) context.drawImage(layer, 0, 0);
  return await canvas.convertToBlob({ type: "image/png" });
}
