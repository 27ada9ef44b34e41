// What tests and curious people may ask the map: window.__viz. Positions in CSS pixels of the page.

import type { Stage } from "./draw/stage";
import { type CameraPose, projectPoint } from "./space/camera";
import type { Store } from "./state";

export interface Hook {
  /** Prompts of the snapshot, those that are loaded, those that pass the filters. */
  readonly points: number;
  readonly loaded: number;
  readonly visible: number;
  readonly kind: "webgl" | "canvas" | null;
  readonly settled: boolean;
  readonly frames: number;
  readonly hovered: number | null;
  readonly selected: number | null;
  readonly marked: number | null;
  readonly camera: CameraPose;
  /** Milliseconds. */
  readonly timings: Readonly<Record<"dataReady" | "lastFrame" | "lastPick" | "lastFilter", number | null>>;
  project(point: number): { x: number; y: number } | null;
  pickAt(x: number, y: number): number | null;
  setCamera(pose: Partial<CameraPose>): void;
}

declare global {
  interface Window {
    __viz?: Hook;
  }
}

export function installHook(stage: Stage, store: Store): void {
  window.__viz = {
    get points() {
      return store.state.corpus?.numPoints ?? 0;
    },
    get loaded() {
      return store.state.corpus?.cloud.loaded ?? 0;
    },
    get visible() {
      return stage.scene.own?.count ?? 0;
    },
    get kind() {
      return stage.picture.kind;
    },
    get settled() {
      return stage.isSettled;
    },
    get frames() {
      return stage.frames;
    },
    get hovered() {
      return store.state.hovered;
    },
    get selected() {
      return store.state.selected;
    },
    get marked() {
      return store.state.marked?.length ?? null;
    },
    get camera() {
      return { ...stage.motion.pose, target: [...stage.motion.pose.target] as [number, number, number] };
    },
    get timings() {
      const { dataReady } = stage;
      const { lastFrame } = stage.picture;
      return { dataReady, lastFrame, lastPick: stage.picker.lastPick, lastFilter: stage.scene.lastFilter };
    },
    project: (point) => place(stage, point),
    pickAt: (x, y) => {
      const box = stage.element.getBoundingClientRect();
      return stage.picker.at(x - box.x, y - box.y);
    },
    setCamera: (pose) => stage.setPose(pose, false),
  };
}

const out = new Float64Array(3);

/** Where a point is drawn; null where it is not on the map. */
function place(stage: Stage, point: number): { x: number; y: number } | null {
  const values = stage.scene.own?.values;
  if (values === undefined) return null;
  if (!projectPoint(stage.view.projection, values, point, out)) return null;
  const box = stage.element.getBoundingClientRect();
  const isInside = out[0] >= 0 && out[1] >= 0 && out[0] < box.width && out[1] < box.height;
  return isInside ? { x: box.x + out[0], y: box.y + out[1] } : null;
}
