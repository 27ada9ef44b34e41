// Which point is where on the map, of all that are drawn. Positions in CSS pixels of the map.

import { pointsInside } from "../space/lasso";
import { type Hit, isInFront, pick, pickNearest } from "../space/pick";
import type { Scene } from "./scene";
import type { View } from "./view";

export class Picker {
  /** The point that the last search found, and whether it is one of the comparison's. */
  point: number | null = null;
  isOther = false;
  /** Milliseconds that the last exact search took. */
  lastPick = 0;
  readonly #scene: Scene;
  readonly #view: View;
  readonly #own: Hit = { point: -1, depth: 0, isFaint: false };
  readonly #other: Hit = { point: -1, depth: 0, isFaint: false };

  constructor(scene: Scene, view: View) {
    this.#scene = scene;
    this.#view = view;
  }

  /** The point that is drawn here. */
  at(x: number, y: number): number | null {
    const start = performance.now();
    const { own, other } = this.#scene;
    const { optics } = this.#view;
    const column = this.#pixel(x);
    const row = this.#pixel(y);
    const isOwn = own !== null && pick(own, optics, column, row, this.#own);
    const isOther = other !== null && pick(other, optics, column, row, this.#other);
    this.lastPick = performance.now() - start;
    return this.#choose(isOwn, isOther);
  }

  /** The same; where nothing is drawn the nearest one, at most `reach` away. */
  near(x: number, y: number, reach: number): number | null {
    const exact = this.at(x, y);
    if (exact !== null) return exact;
    const { own, other } = this.#scene;
    const { optics, ratio } = this.#view;
    const column = this.#pixel(x);
    const row = this.#pixel(y);
    const isOwn = own !== null && pickNearest(own, optics, column, row, reach * ratio, this.#own);
    const isOther = other !== null && pickNearest(other, optics, column, row, reach * ratio, this.#other);
    return this.#choose(isOwn, isOther);
  }

  /** Points of the corpus inside a polygon, ascending. */
  inside(polygon: ArrayLike<number>): Uint32Array {
    const { own } = this.#scene;
    if (own === null) return new Uint32Array(0);
    const { projection, size } = this.#view;
    const viewport = { width: Math.ceil(size.width), height: Math.ceil(size.height) };
    return pointsInside(own.values, own.indices.subarray(0, own.count), projection, polygon, viewport);
  }

  #choose(isOwn: boolean, isOther: boolean): number | null {
    this.isOther = isOther && (!isOwn || !isInFront(this.#own, this.#other));
    this.point = this.isOther ? this.#other.point : isOwn ? this.#own.point : null;
    return this.point;
  }

  #pixel(position: number): number {
    return Math.floor(position * this.#view.ratio);
  }
}
