// Counts of what is shown, in one pass over the points.

import type { Cloud } from "../data/cloud";
import type { Filter } from "../state";
import { hidesClusters, isShown, passing, passingLabels } from "./filter";

export interface Tally {
  readonly visible: number;
  /** By source code. */
  readonly bySource: Uint32Array;
  /** By density percentile, 0 to 255. */
  readonly byDensity: Uint32Array;
  /** Mean density percentile, 0 to 1; NaN when nothing is shown. */
  readonly averageDensity: number;
}

const pairs = new Uint32Array(1 << 16);

/** Counts the points that pass; without labels all clusters pass. */
export function tally(cloud: Cloud, filter: Filter, clusters: Uint16Array | Uint32Array | null): Tally {
  const { values, loaded } = cloud;
  const labels = hidesClusters(filter) ? passingLabels(filter.clusters) : null;
  pairs.fill(0);
  for (let point = 0, at = 3; point < loaded; point++, at += 4) {
    if (labels === null || clusters === null || isShown(labels, clusters[point])) pairs[values[at]]++;
  }
  return margins(passing(filter));
}

/** Sums the pairs of source and density that pass. */
function margins(passes: Uint8Array): Tally {
  const [bySource, byDensity] = [new Uint32Array(256), new Uint32Array(256)];
  let [visible, sum] = [0, 0];
  for (let pair = 0; pair < pairs.length; pair++) {
    const count = passes[pair] * pairs[pair];
    if (count === 0) continue;
    bySource[pair & 255] += count;
    byDensity[pair >> 8] += count;
    visible += count;
    sum += count * (pair >> 8);
  }
  return { visible, bySource, byDensity, averageDensity: sum / 255 / visible };
}
