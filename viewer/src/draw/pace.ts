// How much of the picture goes into one frame, so that frames stay short, and how much of it is drawn.

const SHORT_MILLISECONDS = 20;
const LONG_MILLISECONDS = 28;
/** What drawing may take of a frame, where it is known. */
const WANTED_MILLISECONDS = 16;
/** Fewer would make a picture of many frames, each with its own costs, without making these much shorter. */
const LEAST_POINTS = 25_000;
const MOST_POINTS = 8_000_000;
/** Of fewer points it says little how long they took. */
const TELLING_POINTS = 10_000;

export class Pace {
  /** Share of each layer that is drawn, 0 to 1. */
  drawn = 1;
  #points: number;
  #before = Number.NaN;

  /** `points` is a first guess of what fits into a frame. */
  constructor(points: number) {
    this.#points = points;
  }

  get isComplete(): boolean {
    return this.drawn >= 1;
  }

  restart(): void {
    this.drawn = 0;
  }

  /** To call when so many points took so long to draw, where they are drawn by then (`Renderer.isDoneAtOnce`). */
  tell(points: number, milliseconds: number): void {
    if (points < TELLING_POINTS) return;
    const fitting = (points * WANTED_MILLISECONDS) / Math.max(0.1, milliseconds);
    // Half way there, as a factor: one odd frame does not count much.
    this.#points = Math.min(MOST_POINTS, Math.max(LEAST_POINTS, Math.sqrt(this.#points * fitting)));
  }

  /** Otherwise, to call as a frame begins: frames that follow each other tell how long the one before took. */
  begin(now: number): void {
    const took = now - this.#before;
    this.#before = now;
    if (took > LONG_MILLISECONDS) this.#points = Math.max(LEAST_POINTS, this.#points * 0.7);
    else if (took < SHORT_MILLISECONDS) this.#points = Math.min(MOST_POINTS, this.#points * 1.25);
  }

  /** To call when no frame follows: the time until the next one says nothing. */
  rest(): void {
    this.#before = Number.NaN;
  }

  /** Share up to which this frame draws, of so many points. */
  next(total: number): number {
    return total === 0 ? 1 : Math.min(1, this.drawn + this.#points / total);
  }
}
