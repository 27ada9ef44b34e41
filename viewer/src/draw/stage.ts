// When the map is drawn: only when something changed. Follows the state, the camera, the size and the theme.

import { bounds } from "../space/bounds";
import { type CameraPose, HOME } from "../space/camera";
import { type Covered, frameBall, uncover } from "../space/framing";
import { isInUse, type State, type Store } from "../state";
import { Actions } from "./actions";
import { followColors } from "./colors";
import { followKeys } from "./keyboard";
import { Motion } from "./motion";
import { Overlay } from "./overlay";
import { Picker } from "./picker";
import { Picture } from "./picture";
import { Pointer } from "./pointer";
import { Scene } from "./scene";
import { View } from "./view";

const LEAST_FRAME = 0.12;
const HOME_AIR = 1.06;
const HOME_SAMPLE = 4_000;
const NAMED = ["corpus", "showLabels", "returns"] as const;
const LOOK = ["sizeFactor", "opacity", "showGrid"] as const;
const DESCRIPTION =
  "Map of prompts in three dimensions. Arrow keys rotate, with Shift they move, plus and minus zoom, Enter selects the prompt in the middle, M marks those round it.";

/** Example: `const stage = new Stage(document.querySelector("#map"), store)` */
export class Stage {
  /** Told what is wrong with drawing, and null when it is over. */
  onTrouble: ((sentence: string | null) => void) | null = null;
  readonly element = document.createElement("div");
  readonly store: Store;
  readonly motion = new Motion();
  readonly view = new View();
  readonly overlay = new Overlay();
  readonly scene = new Scene(
    () => this.#recolor(),
    (sentence) => this.onTrouble?.(sentence),
  );
  readonly picker = new Picker(this.scene, this.view);
  readonly picture: Picture;
  frames = 0;
  /** Milliseconds from the page's start until all points of the first corpus were drawn. */
  dataReady: number | null = null;
  readonly #actions = new Actions(this);
  #isStale = true;
  #isFrontStale = true;
  #request = 0;
  #timer = 0;

  constructor(host: HTMLElement, store: Store) {
    this.store = store;
    this.picture = new Picture(
      this.scene,
      this.view,
      this.overlay,
      () => this.#invalidate(),
      (sentence) => this.onTrouble?.(sentence),
    );
    describe(this.element);
    this.element.append(...this.picture.elements);
    host.append(this.element);
    new Pointer(this.element, this.#actions);
    followKeys(this.element, this.#actions);
    this.#follow();
    this.#resize();
  }

  /** Where the camera goes, or stands. */
  get pose(): CameraPose {
    const { goal } = this.motion;
    return { ...goal, target: [...goal.target] };
  }

  /** Where a point is aimed at by keys, in CSS pixels of the map, and which one; null where it is not. */
  get crosshair(): { readonly x: number; readonly y: number; readonly point: number } | null {
    const { aimed } = this.#actions;
    return aimed === null ? null : { ...this.view.middle, point: aimed };
  }

  /** Whether all that there is is drawn, and nothing moves. */
  get isSettled(): boolean {
    return this.#request === 0 && !this.#isStale && this.picture.isComplete;
  }

  /** A pose that is no place is not taken. */
  setPose(pose: Partial<CameraPose>, isAnimated = true): void {
    if (![...Object.values(pose).flat()].every(Number.isFinite)) return;
    const target = pose.target === undefined ? {} : { target: [...pose.target] };
    this.motion.go((goal) => Object.assign(goal, pose, target), isAnimated);
    this.redraw();
  }

  /** Hear of each place where the camera comes to rest, other than by turning by itself; returns what ends it. */
  onPose(listener: (pose: CameraPose) => void): () => void {
    return this.motion.follow(listener);
  }

  /** A panel hides so many pixels of the map from now on; what is at the crosshair stays there. */
  cover(covered: Covered): void {
    const before = this.view.middle;
    this.view.covered = covered;
    const [dx, dy] = [this.view.middle.x - before.x, this.view.middle.y - before.y];
    if (this.overlay.hasCrosshair && (dx !== 0 || dy !== 0)) this.#actions.pan(dx, dy);
    this.overlay.covered = covered;
    this.#actions.lookAgain();
    this.redraw();
  }

  /** Moves the camera so that these points, as far as they are there, fill what is free of the picture. */
  frame(points: ArrayLike<number>): void {
    const { own } = this.scene;
    const there = Array.from(points).filter((point) => point < (own?.cloud.loaded ?? 0));
    if (own === null || there.length === 0) return;
    const { center, radius } = bounds(own.values, there);
    const pose = this.pose;
    frameBall(pose, center, Math.max(LEAST_FRAME, radius), this.view.size, this.view.covered);
    this.setPose(pose);
  }

  /** Shows what is selected closer, or else what is marked. */
  closer(): void {
    const { selected, marked } = this.store.state;
    this.frame(selected === null ? (marked ?? []) : [selected]);
  }

  /** Moves the camera, if need be, so that a point is in the picture and no panel hides it. */
  reveal(point: number): void {
    const { own } = this.scene;
    if (own === null || point >= own.cloud.loaded) return;
    const pose = this.pose;
    const { center } = bounds(own.values, [point]);
    if (!uncover(pose, center, this.view.size, this.view.covered)) this.frame([point]);
    else if (pose.target.some((at, axis) => at !== this.motion.goal.target[axis])) this.setPose(pose);
  }

  /** Where the camera shows the whole map. */
  home(): CameraPose {
    const { own } = this.scene;
    if (own === null) return { ...HOME, target: [...HOME.target] };
    const { center, radius } = bounds(own.values, firstPoints(own.cloud.loaded));
    const pose: CameraPose = { ...HOME, target: center };
    frameBall(pose, center, HOME_AIR * radius, this.view.size, this.view.covered);
    return pose;
  }

  /** The map as it is, as a PNG. */
  screenshot(): Promise<Blob> {
    return this.picture.save();
  }

  focus(): void {
    this.element.focus();
  }

  /** Draws what is over the points again, and everything if the camera moves. */
  redraw(): void {
    this.#isFrontStale = true;
    this.#ask();
  }

  #follow(): void {
    new ResizeObserver(() => this.#resize()).observe(this.element);
    followColors((found) => {
      this.picture.colors = found;
      this.#recolor();
    });
    document.addEventListener("visibilitychange", () => this.#wakeLater());
    this.element.addEventListener("blur", () => this.#wakeLater());
    this.store.follow((state, before) => this.#update(state, before));
  }

  #update(state: State, before: State): void {
    this.element.dataset.tool = state.tool;
    this.element.dataset.over = state.hovered === null && state.hoveredOther === null ? "nothing" : "point";
    const isOther = this.scene.update(state, before, this.picture.colors.isDark);
    const isLook = LOOK.some((name) => state[name] !== before[name]);
    if (before.corpus === null && state.corpus !== null && !this.motion.hasGone) this.setPose(this.home(), false);
    // Who ends a work has a while to begin the next.
    if (isInUse(before) && !isInUse(state)) this.motion.touch();
    if (isOther || isLook) this.#invalidate();
    else this.redraw();
    if (NAMED.some((name) => state[name] !== before[name])) void this.#name(state);
  }

  /** Names of clusters come after the points, which matter more. */
  async #name({ corpus, showLabels }: State): Promise<void> {
    if (corpus === null || !showLabels || this.overlay.names.isNamed(corpus)) return;
    try {
      await corpus.complete;
      const labels = await corpus.clusters();
      if (this.store.state.corpus !== corpus) return;
      this.overlay.names.name(corpus, labels, this.picture.context);
      this.redraw();
    } catch {
      // Whoever loads the corpus tells what went wrong; a map without names is a map.
    }
  }

  #recolor(): void {
    this.scene.encode(this.store.state, this.picture.colors.isDark);
    this.#invalidate();
  }

  #invalidate(): void {
    this.#isStale = true;
    this.redraw();
  }

  #resize(): void {
    this.picture.resize(this.element);
    this.#invalidate();
  }

  #ask(): void {
    if (this.#request === 0) this.#request = window.requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now: number): void {
    this.#request = 0;
    this.frames++;
    const isMoved = this.motion.advance(now, this.#mayTurn());
    if (isMoved || this.#isStale) {
      this.#isStale = !this.picture.begin(this.store.state, this.motion.pose);
      this.#isFrontStale = true;
    }
    this.picture.proceed(now);
    if (this.#isFrontStale) this.picture.drawFront(this.store.state);
    this.#isFrontStale = false;
    if (isMoved) this.#actions.lookAgain();
    if (isMoved || !this.picture.isComplete) this.#ask();
    else this.#rest();
  }

  #rest(): void {
    this.motion.rest();
    this.picture.rest();
    const { corpus } = this.store.state;
    const isAll = corpus !== null && corpus.cloud.loaded === corpus.cloud.numPoints && !this.#isStale;
    if (isAll) this.dataReady ??= performance.now();
    this.#wakeLater();
  }

  #mayTurn(): boolean {
    const { rotation, hovered, hoveredOther, corpus } = this.store.state;
    const isPointedAt = this.#actions.isOver || hovered !== null || hoveredOther !== null;
    const isWatched = isPointedAt || this.#actions.isDragging || document.activeElement === this.element;
    return rotation && !isInUse(this.store.state) && corpus !== null && !document.hidden && !isWatched;
  }

  /** Looks again whether the map may turn when nobody will have touched it for long enough. */
  #wakeLater(): void {
    window.clearTimeout(this.#timer);
    const wait = this.motion.untilTurning(performance.now());
    if (wait === null || !this.#mayTurn()) return;
    this.#timer = window.setTimeout(() => this.#ask(), wait + 1);
  }
}

/** A fair sample of all points. */
function firstPoints(loaded: number): Uint32Array {
  return Uint32Array.from({ length: Math.min(loaded, HOME_SAMPLE) }, (_, point) => point);
}

function describe(element: HTMLElement): void {
  element.className = "stage";
  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-label", DESCRIPTION);
}
