// Which points are shown. Works on typed arrays alone.

import type { Cloud } from "../data/cloud";
import type { ClusterFilter, Filter } from "../state";

type Labels = Uint16Array | Uint32Array;

/** Writes the numbers of the points that pass to `out`, ascending; returns how many. Without labels all clusters pass. */
export function visiblePoints(cloud: Cloud, filter: Filter, clusters: Labels | null, out: Uint32Array): number {
  const passes = passing(filter);
  const { values, loaded } = cloud;
  let count = 0;
  // Every point is written and only those that pass are counted: no branch that the processor could guess wrong.
  if (clusters === null || !hidesClusters(filter)) {
    for (let point = 0, at = 3; point < loaded; point++, at += 4) {
      out[count] = point;
      count += passes[values[at]];
    }
    return count;
  }
  const labels = passingLabels(filter.clusters);
  const last = labels.length - 1;
  for (let point = 0, at = 3; point < loaded; point++, at += 4) {
    out[count] = point;
    count += passes[values[at]] & labels[Math.min(last, clusters[point])];
  }
  return count;
}

/** How many of these points, as far as they are there, do not pass. */
export function countHidden(points: Uint32Array, cloud: Cloud, filter: Filter, clusters: Labels | null): number {
  const passes = passing(filter);
  const labels = clusters === null ? null : passingLabels(filter.clusters);
  let hidden = 0;
  for (const point of points) {
    if (point >= cloud.loaded) continue;
    const isCluster = labels === null || clusters === null || isShown(labels, clusters[point]);
    if (!isCluster || passes[cloud.values[4 * point + 3]] === 0) hidden++;
  }
  return hidden;
}

/** Whether clusters play a part at all. */
export function hidesClusters({ clusters: { isOnly, labels } }: Filter): boolean {
  return isOnly || labels.size > 0;
}

/** Whether one cluster is shown. */
export function showsCluster({ clusters: { isOnly, labels } }: Filter, label: number): boolean {
  return labels.has(label) === isOnly;
}

/** 1 for each label that passes, 0 for the others; the last one stands for all from there on. */
export function passingLabels({ isOnly, labels }: ClusterFilter): Uint8Array {
  const largest = [...labels].reduce((most, label) => Math.max(most, label), -1);
  const passes = new Uint8Array(largest + 2).fill(isOnly ? 0 : 1);
  for (const label of labels) passes[label] = isOnly ? 1 : 0;
  return passes;
}

/** Looks a label up in what `passingLabels` gave. */
export function isShown(passes: Uint8Array, label: number): boolean {
  return passes[Math.min(passes.length - 1, label)] === 1;
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
