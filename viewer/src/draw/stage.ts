// Owns the canvases of the map and decides when they are drawn: only when something changed.

import { bounds } from "../space/bounds";
import { type CameraPose, distanceFor, HOME, type Viewport } from "../space/camera";
import type { State, Store } from "../state";
import { Actions } from "./actions";
import { drawBackdrop } from "./backdrop";
import { type Colors, followColors, readColors } from "./colors";
import { followKeys } from "./keyboard";
import { Motion } from "./motion";
import { Overlay } from "./overlay";
import { Pace } from "./pace";
import { Picker } from "./picker";
import { Pointer } from "./pointer";
import type { Renderer } from "./renderer";
import { Scene } from "./scene";

import { Surface } from "./surface";
import { View } from "./view";

const FIRST_POINTS = 100_000;
const LEAST_FRAME = 0.12;
const HOME_AIR = 1.25;
const HOME_SAMPLE = 4_000;
const DESCRIPTION =
  "Map of prompts in three dimensions. Arrow keys rotate, with Shift they move, plus and minus zoom, Enter selects the prompt in the middle.";

/** Follows the store. Example: `const stage = new Stage(document.querySelector("#map"), store)` */
export class Stage {
  /** Told what is wrong with drawing, and null when it is over. */
  onTrouble: ((sentence: string | null) => void) | null = null;
  readonly store: Store;
  readonly motion = new Motion();
  readonly view = new View();
  readonly overlay = new Overlay();
  readonly scene = new Scene(() => this.#recolor());
  readonly picker = new Picker(this.scene, this.view);
  /** Frames drawn so far, and what the last new picture took, in milliseconds. */
  frames = 0;
  lastFrame = 0;
  /** Milliseconds from the page's start until all points of the first corpus were drawn. */
  dataReady: number | null = null;
  readonly #host = document.createElement("div");
  readonly #surface: Surface;
  readonly #backdrop = newContext();
  readonly #front = newContext();
  readonly #pace = new Pace(FIRST_POINTS);
  readonly #actions: Actions;
  readonly #ends: (() => void)[] = [];
  #colors: Colors = readColors();
  #isStale = true;
  #isFrontStale = true;
  #request = 0;
  #timer = 0;

  constructor(host: HTMLElement, store: Store) {
    this.store = store;
    this.#surface = new Surface(
      () => this.#invalidate(),
      (sentence) => this.onTrouble?.(sentence),
    );
    this.#actions = new Actions(this);
    describe(this.#host, [this.#backdrop.canvas, this.#surface.host, this.#front.canvas]);
    host.append(this.#host);
    new Pointer(this.#host, this.#actions);
    followKeys(this.#host, this.#actions);
    this.#follow();
    this.#resize();
  }

  /** Where the camera goes, or stands. */
  get pose(): CameraPose {
    const { goal } = this.motion;
    return { ...goal, target: [...goal.target] };
  }

  /** Whether all that there is is drawn, and nothing moves. */
  get isSettled(): boolean {
    return this.#request === 0 && this.#pace.isComplete && !this.#isStale && this.#surface.renderer !== null;
  }

  get kind(): Renderer["kind"] | null {
    return this.#surface.renderer?.kind ?? null;
  }

  get element(): HTMLElement {
    return this.#host;
  }

  setPose(pose: Partial<CameraPose>, isAnimated = true): void {
    const target = pose.target === undefined ? {} : { target: [...pose.target] };
    this.motion.go((goal) => Object.assign(goal, pose, target), isAnimated);
    this.redraw();
  }

  /** Hear of each place where the camera comes to rest, other than by turning by itself; returns what ends it. */
  onPose(listener: (pose: CameraPose) => void): () => void {
    return this.motion.follow(listener);
  }

  /** Moves the camera so that these points fill the picture. */
  frame(points: ArrayLike<number>): void {
    const { own } = this.scene;
    if (own === null || points.length === 0) return;
    const { center, radius } = bounds(own.values, points);
    this.setPose({ target: center, distance: distanceFor(Math.max(LEAST_FRAME, radius), this.view.size) });
  }

  /** Where the camera shows the whole map. */
  home(): CameraPose {
    const { own } = this.scene;
    if (own === null) return { ...HOME, target: [...HOME.target] };
    const { center, radius } = bounds(own.values, firstPoints(own.cloud.loaded));
    return { ...HOME, target: center, distance: distanceFor(HOME_AIR * radius, this.view.size) };
  }

  /** The map as it is, as a PNG. */
  screenshot(): Promise<Blob> {
    const layers = [this.#backdrop.canvas, this.#surface.canvas, this.#front.canvas];
    return flatten(layers, this.view.viewport, this.#colors.background);
  }

  focus(): void {
    this.#host.focus();
  }

  /** Draws what is over the points again, and everything if the camera moves. */
  redraw(): void {
    this.#isFrontStale = true;
    this.#ask();
  }

  dispose(): void {
    for (const end of this.#ends) end();
    window.cancelAnimationFrame(this.#request);
    window.clearTimeout(this.#timer);
    this.#surface.dispose();
    this.#host.remove();
  }

  #follow(): void {
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(this.#host);
    const colors = followColors((found) => {
      this.#colors = found;
      this.#recolor();
    });
    const wake = () => this.#wakeLater();
    document.addEventListener("visibilitychange", wake);
    this.#host.addEventListener("blur", wake);
    this.#ends.push(
      this.store.follow((state, before) => this.#update(state, before)),
      () => observer.disconnect(),
      () => colors.disconnect(),
      () => document.removeEventListener("visibilitychange", wake),
    );
  }

  #update(state: State, before: State): void {
    this.#host.dataset.tool = state.tool;
    this.#host.dataset.over = state.hovered === null && state.hoveredOther === null ? "nothing" : "point";
    const isOther = this.scene.update(state, before, this.#colors.isDark);
    const isLook = LOOK.some((name) => state[name] !== before[name]);
    if (before.corpus === null && state.corpus !== null && !this.motion.hasGone) this.setPose(this.home(), false);
    if (isOther || isLook) this.#invalidate();
    else this.redraw();
    if (state.corpus !== before.corpus || state.showLabels !== before.showLabels) void this.#name(state);
  }

  /** Names of clusters come after the points, which matter more. */
  async #name({ corpus, showLabels }: State): Promise<void> {
    if (corpus === null || !showLabels || this.overlay.isNamed(corpus)) return;
    try {
      await corpus.complete;
      const labels = await corpus.clusters();
      if (this.store.state.corpus !== corpus) return;
      this.overlay.name(corpus, labels, this.#front);
      this.redraw();
    } catch {
      // Whoever loads the corpus tells what went wrong; a map without names is a map.
    }
  }

  #recolor(): void {
    this.scene.encode(this.store.state, this.#colors.isDark);
    this.#invalidate();
  }

  #invalidate(): void {
    this.#isStale = true;
    this.redraw();
  }

  #resize(): void {
    this.view.resize(this.#host);
    for (const { canvas } of [this.#backdrop, this.#front]) {
      canvas.width = this.view.viewport.width;
      canvas.height = this.view.viewport.height;
    }
    this.#invalidate();
  }

  #ask(): void {
    if (this.#request === 0) this.#request = window.requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now: number): void {
    this.#request = 0;
    const isMoved = this.motion.advance(now, this.#mayTurn());
    const renderer = this.#surface.renderer;
    if (isMoved || this.#isStale) this.#begin(renderer);
    if (renderer !== null && !this.#pace.isComplete) this.#slice(renderer, now);
    if (this.#isFrontStale) this.#drawFront();
    this.frames++;
    if (isMoved) this.#actions.lookAgain();
    if (isMoved || (renderer !== null && !this.#pace.isComplete)) this.#ask();
    else this.#rest();
  }

  /** A new picture begins. */
  #begin(renderer: Renderer | null): void {
    const { state } = this.store;
    this.view.aim(this.motion.pose, this.scene.own?.cloud.numPoints ?? 1, state.sizeFactor, renderer?.snaps ?? false);
    this.view.look.background = this.#colors.backgroundRgb;
    this.view.look.opacity = state.opacity;
    const { width, height } = this.view.viewport;
    this.#backdrop.clearRect(0, 0, width, height);
    if (state.showGrid) drawBackdrop(this.#backdrop, this.view.optics.projection, this.#colors, this.view.ratio);
    this.#isFrontStale = true;
    if (renderer === null) return;
    renderer.clear(this.view.viewport);
    this.#pace.restart();
    this.#isStale = false;
  }

  #slice(renderer: Renderer, now: number): void {
    const { own, other } = this.scene;
    const isFirst = this.#pace.drawn === 0;
    const start = performance.now();
    this.#pace.begin(now);
    const next = this.#pace.next((own?.count ?? 0) + (other?.count ?? 0));
    for (const layer of [own, other]) {
      if (layer === null) continue;
      const [from, to] = [Math.floor(this.#pace.drawn * layer.count), Math.floor(next * layer.count)];
      if (to > from) renderer.draw(layer, from, to, this.view.optics, this.view.look);
    }
    renderer.finish();
    this.#pace.drawn = next;
    if (isFirst) this.lastFrame = performance.now() - start;
  }

  #drawFront(): void {
    const { size, ratio, viewport, projection } = this.view;
    this.#isFrontStale = false;
    this.#front.setTransform(1, 0, 0, 1, 0, 0);
    this.#front.clearRect(0, 0, viewport.width, viewport.height);
    this.#front.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { state } = this.store;
    this.overlay.draw(this.#front, state, projection, this.#colors, size.width, size.height, this.#radiusOf);
  }

  readonly #radiusOf = (point: number, depth: number): number => {
    const { own } = this.scene;
    if (own === null) return 0;
    const { scale, largest } = this.view.optics;
    return Math.min(largest, (scale * own.radii[own.codes[point] >> 8]) / depth) / this.view.ratio;
  };

  #rest(): void {
    this.motion.rest();
    this.#pace.rest();
    const { corpus } = this.store.state;
    const isAll = corpus !== null && corpus.cloud.loaded === corpus.cloud.numPoints && this.#surface.renderer !== null;
    if (isAll) this.dataReady ??= performance.now();
    this.#wakeLater();
  }

  #mayTurn(): boolean {
    const { rotation, hovered, hoveredOther, tool, corpus } = this.store.state;
    const isWatched = hovered !== null || hoveredOther !== null || document.activeElement === this.#host;
    const isWanted = rotation && tool === "navigate" && corpus !== null && !document.hidden;
    return isWanted && !isWatched && !this.#actions.isDragging;
  }

  /** Looks again whether the map may turn when nobody will have touched it for long enough. */
  #wakeLater(): void {
    window.clearTimeout(this.#timer);
    const wait = this.motion.untilTurning(performance.now());
    if (wait === null || !this.#mayTurn()) return;
    this.#timer = window.setTimeout(() => this.#ask(), wait + 1);
  }
}

const LOOK = ["sizeFactor", "opacity", "showGrid"] as const;

function newContext(): CanvasRenderingContext2D {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) throw new Error("This browser has no canvas to draw on.");
  return context;
}

/** One picture of canvases that lie over each other. */
async function flatten(layers: readonly HTMLCanvasElement[], size: Viewport, background: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser cannot make pictures.");
  context.fillStyle = background;
  context.fillRect(0, 0, size.width, size.height);
  for (const layer of layers) context.drawImage(layer, 0, 0);
  return await canvas.convertToBlob({ type: "image/png" });
}

/** A fair sample of all points. */
function firstPoints(loaded: number): Uint32Array {
  return Uint32Array.from({ length: Math.min(loaded, HOME_SAMPLE) }, (_, point) => point);
}

function describe(host: HTMLElement, layers: readonly HTMLElement[]): void {
  host.className = "stage";
  host.tabIndex = 0;
  host.setAttribute("role", "application");
  host.setAttribute("aria-label", DESCRIPTION);
  host.append(...layers);
}
