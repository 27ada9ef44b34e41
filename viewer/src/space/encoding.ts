// What a point's colour and size say, as two small numbers a point. Works on typed arrays alone.

import type { Cloud } from "../data/cloud";
import { FAINT } from "./disc";
import { type Coloring, clusterCode, ratioCode, weightCode } from "./palette";

/** Columns that colours and sizes may need; null while they load. */
export interface Columns {
  readonly weights: Float32Array | null;
  readonly clusters: Uint16Array | Uint32Array | null;
  /** 16 x log2 of densities, for colours by ratio. */
  readonly ratios: Int8Array | null;
  /** Times each point is drawn; sizes go by them, and points that are not drawn are faint. */
  readonly copies: Uint16Array | null;
  /** 1 for points that stand out; the others are faint. */
  readonly marks: Uint8Array | null;
}

const MOST_SIZE = FAINT - 1;
const NEUTRAL = 128;

/** Writes code of colour | code of size << 8 for the points from `start` to `stop`. */
export function writeCodes(
  cloud: Cloud,
  colorBy: Coloring,
  columns: Columns,
  out: Uint16Array,
  start: number,
  stop: number,
): void {
  writeColors(cloud, colorBy, columns, out, start, stop);
  addSizes(cloud, columns, out, start, stop);
}

/** [256] relative radii by code of size. Rarer points are larger: 0.5 + 2 (1 - percentile); drawn ones by copies. */
export function sizes(hasCopies: boolean): Float32Array {
  const radii = new Float32Array(256);
  for (let code = 0; code < FAINT; code++) {
    const rarity = 1 - code / MOST_SIZE;
    radii[code] = hasCopies ? 1.2 * Math.sqrt(code) + 0.6 : 0.5 + 2 * rarity;
    radii[code + FAINT] = hasCopies ? 0.6 : 0.4 + 0.8 * rarity;
  }
  return radii;
}

function writeColors(
  { values }: Cloud,
  colorBy: Coloring,
  { weights, clusters, ratios }: Columns,
  out: Uint16Array,
  start: number,
  stop: number,
): void {
  if (colorBy === "source") for (let point = start; point < stop; point++) out[point] = values[4 * point + 3] & 255;
  else if (colorBy === "density")
    for (let point = start; point < stop; point++) out[point] = values[4 * point + 3] >> 8;
  else if (colorBy === "weight" && weights !== null)
    for (let point = start; point < stop; point++) out[point] = weightCode(weights[point]);
  else if (colorBy === "cluster" && clusters !== null)
    for (let point = start; point < stop; point++) out[point] = clusterCode(clusters[point]);
  else if (colorBy === "ratio" && ratios !== null)
    for (let point = start; point < stop; point++) out[point] = ratioCode(ratios[point]);
  else out.fill(NEUTRAL, start, stop);
}

function addSizes({ values }: Cloud, columns: Columns, out: Uint16Array, start: number, stop: number): void {
  const { copies, marks } = columns;
  for (let point = start; point < stop; point++) {
    let size = copies === null ? values[4 * point + 3] >> 9 : Math.min(MOST_SIZE, copies[point]);
    const isFaint = (copies !== null && copies[point] === 0) || (marks !== null && marks[point] === 0);
    if (isFaint) size |= FAINT;
    out[point] |= size << 8;
  }
}
