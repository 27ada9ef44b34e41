// What gestures and keys do to the camera and to the state.

import { NOT_SHARED } from "../data/comparison";
import { type CameraPose, orbit, pan, zoom } from "../space/camera";
import type { Store } from "../state";
import type { Keys } from "./keyboard";
import type { Motion } from "./motion";
import type { Overlay } from "./overlay";
import type { Picker } from "./picker";
import type { Gestures } from "./pointer";
import type { View } from "./view";

const TURN_PER_PIXEL = 0.006;
const HOVER_REACH = 4;
const TOUCH_REACH = 22;
const CROSSHAIR_REACH = 40;
/** CSS pixels of the ring in which a key marks. */
const RING = { first: 60, least: 8, most: 600, corners: 64 };

/** What actions need of the stage. */
interface Board {
  readonly store: Store;
  readonly motion: Motion;
  readonly picker: Picker;
  readonly overlay: Overlay;
  readonly view: View;
  /** Draws a frame, and again what is over the points. */
  redraw(): void;
  closer(): void;
  home(): CameraPose;
  setPose(pose: CameraPose): void;
}

export class Actions implements Gestures, Keys {
  readonly #board: Board;
  #x: number | null = null;
  #y = 0;
  #line: number[] = [];
  #ring = RING.first;
  isDragging = false;
  /** The point at the crosshair, where that is what shows which one is meant. */
  aimed: number | null = null;

  constructor(board: Board) {
    this.#board = board;
  }

  /** Whether the pointer rests over the map. */
  get isOver(): boolean {
    return this.#x !== null;
  }

  get isDrawing(): boolean {
    return this.#board.store.state.tool === "lasso";
  }

  orbit(dx: number, dy: number): void {
    this.orbitBy(-TURN_PER_PIXEL * dx, TURN_PER_PIXEL * dy);
  }

  orbitBy(yaw: number, pitch: number): void {
    this.#board.motion.go((goal) => orbit(goal, yaw, pitch), true);
    this.#board.redraw();
  }

  pan(dx: number, dy: number): void {
    this.#board.motion.go((goal) => pan(goal, dx, dy, this.#board.view.size.height), true);
    this.#board.redraw();
  }

  zoom(factor: number, x: number, y: number): void {
    const { width, height } = this.#board.view.size;
    this.#board.motion.go((goal) => zoom(goal, factor, x - width / 2, y - height / 2, height), true);
    this.#board.redraw();
  }

  zoomBy(factor: number): void {
    const { width, height } = this.#board.view.size;
    this.zoom(factor, width / 2, height / 2);
  }

  home(): void {
    this.#board.setPose(this.#board.home());
  }

  closer(): void {
    this.#board.closer();
  }

  hover(x: number | null, y: number): void {
    const isOther = this.isOver !== (x !== null);
    this.#x = x;
    this.#y = y;
    this.#board.motion.touch();
    this.lookAgain();
    // The map turns again some time after nobody is over it: a frame looks when.
    if (isOther) this.#board.redraw();
  }

  /** What is under the pointer may be another point now. */
  lookAgain(): void {
    const { picker, store } = this.#board;
    if (this.isDragging || store.state.corpus === null) return;
    const point = this.isDrawing ? null : this.#under();
    const isOther = point !== null && picker.isOther;
    store.set({ hovered: isOther ? null : point, hoveredOther: isOther ? point : null });
  }

  /** The point under the pointer, or at the crosshair for who comes by keyboard. */
  #under(): number | null {
    const { picker, overlay, view } = this.#board;
    const isByKeys = this.#x === null && overlay.hasCrosshair;
    this.aimed = isByKeys ? picker.near(view.middle.x, view.middle.y, CROSSHAIR_REACH) : null;
    return this.#x === null ? this.aimed : picker.near(this.#x, this.#y, HOVER_REACH);
  }

  click(x: number, y: number, isTouch: boolean): void {
    const { picker, store } = this.#board;
    const point = picker.near(x, y, isTouch ? TOUCH_REACH : HOVER_REACH);
    if (point === null) store.set({ selected: null });
    else this.#select(point);
  }

  choose(): void {
    const { picker, view } = this.#board;
    const point = picker.near(view.middle.x, view.middle.y, CROSSHAIR_REACH);
    if (point !== null) this.#select(point);
  }

  /** Of a comparison's points those that both snapshots have; the page knows the others by their previews alone. */
  #select(point: number): void {
    const { picker, store } = this.#board;
    const own = picker.isOther ? store.state.comparison?.same[point] : point;
    if (own !== undefined && own !== NOT_SHARED) store.set({ selected: own });
  }

  drag(isOn: boolean): void {
    this.isDragging = isOn;
    this.#board.motion.touch();
    if (isOn) this.#board.store.set({ hovered: null, hoveredOther: null, hasMissed: false });
  }

  drawTo(x: number, y: number): void {
    if (!this.isDrawing) return;
    this.#line.push(x, y);
    this.#show();
  }

  /** A line that encloses nothing leaves the tool on. */
  drawEnd(isKept: boolean): void {
    if (isKept && this.#line.length >= 6) this.#mark(this.#line);
    this.#line = [];
    this.#show();
  }

  markHere(): void {
    this.#board.store.set({ hasMissed: false });
    this.#mark(circle(this.#board.view.middle, this.#ring));
    this.widen(1);
  }

  widen(factor: number): void {
    this.#ring = Math.min(RING.most, Math.max(RING.least, factor * this.#ring));
    this.#board.overlay.ring = this.#ring;
    this.#board.redraw();
  }

  #mark(line: readonly number[]): void {
    const { picker, store } = this.#board;
    const marked = picker.inside(line);
    store.set(marked.length > 0 ? { marked, selected: null, tool: "navigate" } : { hasMissed: true });
  }

  clear(): void {
    const { store } = this.#board;
    const { tool, selected } = store.state;
    this.#board.overlay.ring = null;
    if (tool === "lasso") {
      this.#line = [];
      this.#show();
      store.set({ tool: "navigate", hasMissed: false });
    } else store.set(selected === null ? { marked: null } : { selected: null });
  }

  focus(isOn: boolean): void {
    this.#board.motion.touch();
    if (this.#board.overlay.hasCrosshair === isOn) return;
    this.#board.overlay.hasCrosshair = isOn;
    this.lookAgain();
    this.#board.redraw();
  }

  #show(): void {
    this.#board.overlay.lasso = this.#line;
    this.#board.redraw();
  }
}

/** As x, y, x, y, ... */
function circle({ x, y }: { readonly x: number; readonly y: number }, radius: number): number[] {
  return Array.from({ length: RING.corners }, (_, corner) => (2 * Math.PI * corner) / RING.corners).flatMap((angle) => [
    x + radius * Math.cos(angle),
    y + radius * Math.sin(angle),
  ]);
}
