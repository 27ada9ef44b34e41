// Names of clusters on the map: where they stand, and which of them fit without covering each other.

import type { Cloud } from "../data/cloud";
import { type Projection, project } from "./camera";

/** A name and the place that it names. */
export interface Label {
  readonly cluster: number;
  readonly text: string;
  readonly position: readonly [number, number, number];
}

/** A name as it would stand on the screen, centred on x and y. */
export interface Box {
  readonly label: Label;
  /** In pixels, with the air around it. */
  readonly width: number;
  readonly height: number;
  x: number;
  y: number;
  isShown: boolean;
  wasShown: boolean;
}

interface Cluster {
  readonly label: number;
  readonly size: number;
  readonly terms: readonly string[];
}

const SAMPLED_POINTS = 75;
const MOST_CANDIDATES = 60;
const MOST_SHOWN = 24;
const SHOWN_TERMS = 2;

/** The largest clusters, largest first, each at the point nearest to the median of a sample of its points. */
export function clusterLabels(
  cloud: Cloud,
  labels: Uint16Array | Uint32Array,
  clusters: readonly Cluster[],
): readonly Label[] {
  const named = clusters.filter(({ terms }) => terms.length > 0).sort((a, b) => b.size - a.size);
  const samples = samplePoints(cloud, labels, named.slice(0, MOST_CANDIDATES));
  return named.slice(0, MOST_CANDIDATES).flatMap(({ label, terms }) => {
    const points = samples.get(label) ?? [];
    if (points.length === 0) return [];
    const text = terms.slice(0, SHOWN_TERMS).join(" · ");
    return [{ cluster: label, text, position: center(cloud.values, points) }];
  });
}

/** The first points of each cluster: the cloud's order makes them a fair sample. */
function samplePoints(cloud: Cloud, labels: ArrayLike<number>, clusters: readonly Cluster[]): Map<number, number[]> {
  const samples = new Map<number, number[]>(clusters.map(({ label }) => [label, []]));
  let open = samples.size;
  for (let point = 0; point < cloud.loaded && open > 0; point++) {
    const sample = samples.get(labels[point]);
    if (sample === undefined || sample.length === SAMPLED_POINTS) continue;
    if (sample.push(point) === SAMPLED_POINTS) open--;
  }
  return samples;
}

/** The point nearest to the median of all: it lies in the midst of points, which a mean or a median need not. */
function center(values: Uint16Array, points: readonly number[]): [number, number, number] {
  const medians = [0, 1, 2].map((axis) => median(points.map((point) => values[4 * point + axis])));
  const away = (point: number) => medians.reduce((sum, at, axis) => sum + (values[4 * point + axis] - at) ** 2, 0);
  const nearest = points.reduce((best, point) => (away(point) < away(best) ? point : best));
  return [0, 1, 2].map((axis) => (values[4 * nearest + axis] / 65535) * 2 - 1) as [number, number, number];
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}

const place = new Float64Array(3);

/** Moves boxes to where they belong and shows those that fit: those shown before first, then by their order. */
export function arrange(boxes: readonly Box[], projection: Projection, width: number, height: number): void {
  for (const box of boxes) {
    const [x, y, z] = box.label.position;
    const isSeen = project(projection, x, y, z, place);
    box.x = isSeen ? place[0] : Number.NaN;
    box.y = isSeen ? place[1] : Number.NaN;
  }
  let shown = 0;
  for (const box of boxes) {
    box.wasShown = box.isShown;
    box.isShown = false;
  }
  for (const before of [true, false]) {
    for (const box of boxes) {
      if (box.wasShown !== before || shown >= MOST_SHOWN) continue;
      box.isShown = isInside(box, width, height) && !isCovered(box, boxes);
      if (box.isShown) shown++;
    }
  }
}

function isInside(box: Box, width: number, height: number): boolean {
  const [marginX, marginY] = [box.width / 2, box.height / 2];
  return box.x > marginX && box.x < width - marginX && box.y > marginY && box.y < height - marginY;
}

function isCovered(box: Box, boxes: readonly Box[]): boolean {
  return boxes.some(
    (other) =>
      other !== box &&
      other.isShown &&
      Math.abs(other.x - box.x) < (other.width + box.width) / 2 &&
      Math.abs(other.y - box.y) < (other.height + box.height) / 2,
  );
}
