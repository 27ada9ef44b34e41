// Discs as lists of pixels, one list for each radius that is drawn, made when it is needed first.

import { stampRadius } from "../space/disc";
import { shadeAt } from "./shading";

/** The pixels of a disc round the one that its centre falls into. */
export interface Stamp {
  /** No pixel is farther away than this, in either direction. */
  readonly extent: number;
  readonly columns: Int16Array;
  readonly rows: Int16Array;
  /** Distance of each in a picture of the width that the stamps are for. */
  readonly offsets: Int32Array;
  readonly shades: Uint8Array;
}

export class Stamps {
  readonly #width: number;
  readonly #made: Stamp[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** By the number of `stampOf`. */
  get(number: number): Stamp {
    this.#made[number] ??= makeStamp(stampRadius(number), this.#width);
    return this.#made[number];
  }
}

function makeStamp(radius: number, width: number): Stamp {
  const extent = Math.floor(radius);
  const [columns, rows, shades]: [number[], number[], number[]] = [[], [], []];
  for (let row = -extent; row <= extent; row++) {
    for (let column = -extent; column <= extent; column++) {
      if (column * column + row * row > radius * radius) continue;
      columns.push(column);
      rows.push(row);
      shades.push(shadeAt(column / radius, row / radius, radius));
    }
  }
  return {
    extent,
    columns: Int16Array.from(columns),
    rows: Int16Array.from(rows),
    offsets: Int32Array.from(columns, (column, pixel) => rows[pixel] * width + column),
    shades: Uint8Array.from(shades),
  };
}
