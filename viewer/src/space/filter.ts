// Which points are shown. Works on typed arrays alone.

import type { Cloud } from "../data/cloud";
import type { Filter } from "../state";

type Labels = Uint16Array | Uint32Array;

/** Writes the numbers of the points that pass to `out`, ascending; returns how many. Without labels all clusters pass. */
export function visiblePoints(cloud: Cloud, filter: Filter, clusters: Labels | null, out: Uint32Array): number {
  const passes = passing(filter);
  const { values, loaded } = cloud;
  let count = 0;
  // Every point is written and only those that pass are counted: no branch that the processor could guess wrong.
  if (filter.cluster === null || clusters === null) {
    for (let point = 0, at = 3; point < loaded; point++, at += 4) {
      out[count] = point;
      count += passes[values[at]];
    }
    return count;
  }
  for (let point = 0, at = 3; point < loaded; point++, at += 4) {
    out[count] = point;
    if (clusters[point] === filter.cluster) count += passes[values[at]];
  }
  return count;
}

const table = new Uint8Array(1 << 16);

/** 1 for each pair of source code and density percentile that passes, 0 for the others; valid until the next call. */
export function passing(filter: Filter): Uint8Array {
  const [low, high] = [Math.ceil(filter.density[0] * 255 - 1e-9), Math.floor(filter.density[1] * 255 + 1e-9)];
  table.fill(0);
  for (let percentile = low; percentile <= high; percentile++) table.fill(1, percentile << 8, (percentile + 1) << 8);
  for (const source of filter.hiddenSources) {
    for (let percentile = low; percentile <= high; percentile++) table[(percentile << 8) | source] = 0;
  }
  return table;
}
