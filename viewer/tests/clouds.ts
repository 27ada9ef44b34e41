// Small clouds for tests.

import type { Cloud } from "../src/data/cloud";

/** Numbers in [0, 1) that are the same in each run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Points anywhere in the box, of five sources, of any density. */
export function randomCloud(numPoints: number, seed = 1): Cloud {
  const random = randomNumbers(seed);
  const values = new Uint16Array(4 * numPoints);
  for (let point = 0; point < numPoints; point++) {
    for (let axis = 0; axis < 3; axis++) values[4 * point + axis] = random() * 65536;
    values[4 * point + 3] = Math.floor(random() * 5) | (Math.floor(random() * 256) << 8);
  }
  return { values, numPoints, loaded: numPoints };
}

/** The numbers from 0 on. */
export function upTo(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, number) => number);
}
