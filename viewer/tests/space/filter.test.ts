import { expect, test } from "vitest";
import { visiblePoints } from "../../src/space/filter";
import { tally } from "../../src/space/histogram";
import type { Filter } from "../../src/state";
import { randomCloud } from "../clouds";

const cloud = randomCloud(3000);
const clusters = Uint16Array.from({ length: 3000 }, (_, point) => point % 4);

function expected(filter: Filter, point: number): boolean {
  const attributes = cloud.values[4 * point + 3];
  const percentile = (attributes >> 8) / 255;
  if (filter.hiddenSources.has(attributes & 255)) return false;
  if (percentile < filter.density[0] || percentile > filter.density[1]) return false;
  const { isOnly, labels } = filter.clusters;
  return labels.has(clusters[point]) === isOnly;
}

const ALL = { isOnly: false, labels: new Set<number>() };
const FILTERS: Filter[] = [
  { hiddenSources: new Set(), density: [0, 1], clusters: ALL },
  { hiddenSources: new Set([0, 3]), density: [0.2, 0.85], clusters: ALL },
  { hiddenSources: new Set([1]), density: [51 / 255, 51 / 255], clusters: ALL },
  { hiddenSources: new Set([4]), density: [0, 0.5], clusters: { isOnly: true, labels: new Set([2]) } },
  { hiddenSources: new Set(), density: [0, 1], clusters: { isOnly: false, labels: new Set([0, 3]) } },
  { hiddenSources: new Set(), density: [0, 1], clusters: { isOnly: true, labels: new Set() } },
  { hiddenSources: new Set([0, 1, 2, 3, 4]), density: [0, 1], clusters: ALL },
];

test.each(FILTERS)("all points that meet all conditions are shown, in order: %o", (filter) => {
  const out = new Uint32Array(3000);
  const count = visiblePoints(cloud, filter, clusters, out);
  const wanted = Array.from({ length: 3000 }, (_, point) => point).filter((point) => expected(filter, point));
  expect([...out.subarray(0, count)]).toEqual(wanted);
});

test.each(FILTERS)("a tally counts what is shown: %o", (filter) => {
  const wanted = Array.from({ length: 3000 }, (_, point) => point).filter((point) => expected(filter, point));
  const counts = tally(cloud, filter, clusters);
  const percentiles = wanted.map((point) => cloud.values[4 * point + 3] >> 8);
  expect(counts.visible).toBe(wanted.length);
  expect(counts.bySource[2]).toBe(wanted.filter((point) => (cloud.values[4 * point + 3] & 255) === 2).length);
  expect(counts.byDensity[51]).toBe(percentiles.filter((percentile) => percentile === 51).length);
  const mean = percentiles.reduce((sum, percentile) => sum + percentile / 255, 0) / wanted.length;
  if (wanted.length === 0) expect(counts.averageDensity).toBeNaN();
  else expect(counts.averageDensity).toBeCloseTo(mean, 9);
});

test("points that are not there yet are not shown", () => {
  const out = new Uint32Array(3000);
  expect(visiblePoints({ ...cloud, loaded: 70 }, FILTERS[0], clusters, out)).toBe(70);
});
