// Where the camera is and where it goes: it follows gestures softly, and turns slowly when nobody touches the map.

import { approach, type CameraPose, copyPose, HOME } from "../space/camera";

const IDLE_MILLISECONDS = 4_000;
const TURN_PER_SECOND = 0.012;
const FOLLOW_PER_SECOND = 16;
const LONGEST_STEP_SECONDS = 0.1;
const SETTLED_MILLISECONDS = 250;

export class Motion {
  readonly pose = clone(HOME);
  readonly goal = clone(HOME);
  /** Whether anybody moved it so far. */
  hasGone = false;
  readonly #listeners = new Set<(pose: CameraPose) => void>();
  readonly #isStill = window.matchMedia("(prefers-reduced-motion: reduce)");
  #touched = Number.NEGATIVE_INFINITY;
  #before = Number.NaN;
  #isMoving = false;
  #hasMoved = false;
  #timer = 0;

  /** Moves the goal by `change`; without animation the camera is there at once. */
  go(change: (goal: CameraPose) => void, isAnimated: boolean): void {
    change(this.goal);
    this.hasGone = true;
    this.touch();
    this.#isMoving = true;
    this.#hasMoved = true;
    if (!isAnimated || this.#isStill.matches) copyPose(this.goal, this.pose);
  }

  /** Somebody is at the map: it does not turn for a while. */
  touch(): void {
    this.#touched = performance.now();
  }

  /** Milliseconds until it may turn by itself; none while people want no motion. */
  untilTurning(now: number): number | null {
    return this.#isStill.matches ? null : Math.max(0, this.#touched + IDLE_MILLISECONDS - now);
  }

  /** One step; whether the camera moved. */
  advance(now: number, mayTurn: boolean): boolean {
    const seconds = Math.min(LONGEST_STEP_SECONDS, (now - this.#before) / 1000 || 1 / 60);
    this.#before = now;
    if (this.#isMoving) {
      this.#isMoving = approach(this.pose, this.goal, 1 - Math.exp(-FOLLOW_PER_SECOND * seconds));
      if (!this.#isMoving) this.#announceSoon();
      return true;
    }
    if (!mayTurn || this.untilTurning(now) !== 0) return false;
    this.pose.yaw += TURN_PER_SECOND * seconds;
    copyPose(this.pose, this.goal);
    return true;
  }

  /** To call when no frame follows. */
  rest(): void {
    this.#before = Number.NaN;
  }

  /** Hear of where the camera came to rest, other than by turning by itself; returns what ends it. */
  follow(listener: (pose: CameraPose) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announceSoon(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      if (this.#isMoving || !this.#hasMoved) return;
      this.#hasMoved = false;
      for (const listener of this.#listeners) listener(clone(this.pose));
    }, SETTLED_MILLISECONDS);
  }
}

function clone(pose: CameraPose): CameraPose {
  return { ...pose, target: [...pose.target] };
}
