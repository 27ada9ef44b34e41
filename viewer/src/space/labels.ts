// Names on the map: where those of clusters stand, and which names fit without covering each other.

import type { Cloud } from "../data/cloud";
import { inLayout, type Projection, project } from "./camera";
import { shortTerm } from "./terms";

/** A name and the place that it names. */
export interface Label {
  readonly text: string;
  readonly position: readonly [number, number, number];
}

export interface ClusterLabel extends Label {
  readonly cluster: number;
}

/** A name as it would stand on the screen, centred on x and y. */
export interface Box<Of extends Label = Label> {
  readonly label: Of;
  /** In pixels, with the air around it. */
  readonly width: number;
  readonly height: number;
  /** From its place to its middle. */
  readonly right: number;
  readonly down: number;
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
const MOST_OF_THEM = 0.9;
const MOST_CANDIDATES = 60;
const SHOWN_TERMS = 2;
/** Words that say something to people; numbers and single letters name a cluster only where it has nothing else. */
const READABLE = /^\p{L}[\p{L}'-]{2,}$/u;

/** The largest clusters, largest first, each over the middle of its points. */
export function clusterLabels(
  cloud: Cloud,
  labels: Uint16Array | Uint32Array,
  clusters: readonly Cluster[],
): readonly ClusterLabel[] {
  const named = clusters.filter(({ terms }) => terms.length > 0).sort((a, b) => b.size - a.size);
  const samples = samplePoints(cloud, labels, named.slice(0, MOST_CANDIDATES));
  return named.slice(0, MOST_CANDIDATES).flatMap(({ label, terms }) => {
    const points = samples.get(label) ?? [];
    if (points.length === 0) return [];
    return [{ cluster: label, text: nameOf(terms), position: center(cloud.values, points) }];
  });
}

function nameOf(terms: readonly string[]): string {
  const readable = terms.filter((term) => READABLE.test(term));
  return (readable.length > 0 ? readable : terms).slice(0, SHOWN_TERMS).map(shortTerm).join(" · ");
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

/** Over the point nearest to the median of all, which lies in the midst of points as a mean need not: as high as most of
 * them, since a name in front of a small cluster would hide it.
 */
function center(values: Uint16Array, points: readonly number[]): [number, number, number] {
  const medians = [0, 1, 2].map((axis) =>
    quantile(
      points.map((point) => values[4 * point + axis]),
      0.5,
    ),
  );
  const away = (point: number) => medians.reduce((sum, at, axis) => sum + (values[4 * point + axis] - at) ** 2, 0);
  const nearest = points.reduce((best, point) => (away(point) < away(best) ? point : best));
  const heights = points.map((point) => values[4 * point + 1]);
  const top = Math.max(values[4 * nearest + 1], quantile(heights, MOST_OF_THEM));
  return [values[4 * nearest], top, values[4 * nearest + 2]].map(inLayout) as [number, number, number];
}

function quantile(numbers: number[], share: number): number {
  return numbers.sort((a, b) => a - b)[Math.floor(share * (numbers.length - 1))];
}

const place = new Float64Array(3);

/** A box that is not shown yet. */
export function boxOf<Of extends Label>(
  label: Of,
  width: number,
  height: number,
  { right, down }: { readonly right: number; readonly down: number },
): Box<Of> {
  return { label, width, height, right, down, x: 0, y: 0, isShown: false, wasShown: false };
}

/** Moves boxes to where they belong and shows those that fit, at most so many: those shown before first, then by their
 * order, and none that covers one of `others`, which stand already. Each frame does so: plain loops make nothing that has
 * to be collected.
 */
export function arrange(
  boxes: readonly Box[],
  others: readonly Box[],
  most: number,
  projection: Projection,
  width: number,
  height: number,
): void {
  for (let at = 0; at < boxes.length; at++) {
    const box = boxes[at];
    const { position } = box.label;
    const isSeen = project(projection, position[0], position[1], position[2], place);
    box.x = isSeen ? place[0] + box.right : Number.NaN;
    box.y = isSeen ? place[1] + box.down : Number.NaN;
    box.wasShown = box.isShown;
    box.isShown = false;
  }
  const kept = show(boxes, others, true, most, width, height);
  show(boxes, others, false, most - kept, width, height);
}

/** Of the boxes that were shown before, or were not, shows those that fit, at most so many; returns how many. */
function show(
  boxes: readonly Box[],
  others: readonly Box[],
  wasShown: boolean,
  most: number,
  width: number,
  height: number,
): number {
  let shown = 0;
  for (let at = 0; at < boxes.length && shown < most; at++) {
    const box = boxes[at];
    if (box.wasShown !== wasShown || !isInside(box, width, height)) continue;
    if (isCovered(box, others) || isCovered(box, boxes)) continue;
    box.isShown = true;
    shown++;
  }
  return shown;
}

function isInside(box: Box, width: number, height: number): boolean {
  const marginX = box.width / 2;
  const marginY = box.height / 2;
  return box.x > marginX && box.x < width - marginX && box.y > marginY && box.y < height - marginY;
}

function isCovered(box: Box, boxes: readonly Box[]): boolean {
  for (let at = 0; at < boxes.length; at++) {
    const other = boxes[at];
    if (!other.isShown) continue;
    const isBeside = Math.abs(other.x - box.x) >= (other.width + box.width) / 2;
    if (!isBeside && Math.abs(other.y - box.y) < (other.height + box.height) / 2) return true;
  }
  return false;
}
