// The map's size and the camera's numbers for it: device pixels for points, CSS pixels for everything else.

import { type CameraPose, NEAR, type Projection, type Viewport, writeProjection } from "../space/camera";
import { discScale, largestRadius } from "../space/disc";
import type { Covered } from "../space/framing";
import type { Colors } from "./colors";

/** More pixels than this to one of CSS are not seen. */
const MOST_RATIO = 2;
/** How far before and behind the target points turn paler. */
const FADE_BEFORE = 0.9;
const FADE_BEHIND = 1.5;

export class View {
  /** CSS pixels. */
  readonly size = { width: 1, height: 1 };
  /** Device pixels. */
  readonly viewport = { width: 1, height: 1 };
  /** CSS pixels at the right and at the bottom that a panel hides. */
  covered: Covered = { right: 0, bottom: 0 };
  ratio = 1;
  /** To CSS pixels of the map. */
  readonly projection: Projection = new Float64Array(12);
  readonly optics = { projection: new Float64Array(12), scale: 1, largest: 1, snaps: false };
  readonly look = { background: [0, 0, 0] as Colors["backgroundRgb"], opacity: 1, fadeStart: NEAR, fadeEnd: 1 };

  /** The middle of what no panel hides, in CSS pixels. */
  get middle(): { x: number; y: number } {
    const { right, bottom } = this.covered;
    return { x: (this.size.width - right) / 2, y: (this.size.height - bottom) / 2 };
  }

  /** Takes the size of an element. */
  resize({ clientWidth, clientHeight }: HTMLElement): void {
    this.ratio = Math.min(MOST_RATIO, window.devicePixelRatio);
    set(this.size, Math.max(1, clientWidth), Math.max(1, clientHeight));
    set(this.viewport, Math.round(this.size.width * this.ratio), Math.round(this.size.height * this.ratio));
  }

  aim(pose: CameraPose, numPoints: number, sizeFactor: number, snaps: boolean): void {
    writeProjection(pose, this.size, this.projection);
    writeProjection(pose, this.viewport, this.optics.projection);
    this.optics.scale = discScale(sizeFactor, numPoints, pose.distance, this.viewport.height);
    this.optics.largest = largestRadius(sizeFactor, this.ratio);
    this.optics.snaps = snaps;
    this.look.fadeStart = Math.max(NEAR, pose.distance - FADE_BEFORE);
    this.look.fadeEnd = pose.distance + FADE_BEHIND;
  }
}

function set(size: { -readonly [Name in keyof Viewport]: number }, width: number, height: number): void {
  size.width = width;
  size.height = height;
}
