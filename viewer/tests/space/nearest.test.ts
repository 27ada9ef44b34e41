import { expect, test } from "vitest";
import { project, writeProjection } from "../../src/space/camera";
import { FAINT } from "../../src/space/disc";
import { sizes } from "../../src/space/encoding";
import { type Hit, type Layer, pickNearest } from "../../src/space/pick";
import { randomCloud, upTo } from "../clouds";

const VIEW = { width: 160, height: 100 };
const NUM_POINTS = 300;
const REACH = 6;
const hit: Hit = { point: -1, depth: 0, isFaint: false };

const projection = new Float64Array(12);
writeProjection({ yaw: 0.3, pitch: 0.4, distance: 3, target: [0, 0, 0] }, VIEW, projection);
const optics = { projection, scale: 1, largest: 20, snaps: false };

function layer(isFaint = false): Layer {
  const { values } = randomCloud(NUM_POINTS, 11);
  const codes = new Uint16Array(NUM_POINTS).fill(isFaint ? FAINT << 8 : 0);
  return { values, indices: upTo(NUM_POINTS), count: NUM_POINTS, codes, radii: sizes(false) };
}

/** Distances in pixels of all points from the middle of a pixel. */
function distances({ values }: Layer, column: number, row: number): number[] {
  const out = new Float64Array(3);
  return Array.from({ length: NUM_POINTS }, (_, point) => {
    const [x, y, z] = [0, 1, 2].map((axis) => (values[4 * point + axis] / 65535) * 2 - 1);
    return project(projection, x, y, z, out) ? Math.hypot(out[0] - column - 0.5, out[1] - row - 0.5) : Infinity;
  });
}

test("the point whose centre is nearest is found, and none beyond the reach", () => {
  const points = layer();
  let found = 0;
  for (let column = 0; column < VIEW.width; column += 7) {
    for (let row = 0; row < VIEW.height; row += 7) {
      const all = distances(points, column, row);
      const nearest = all.indexOf(Math.min(...all));
      const isNear = all[nearest] < REACH;
      expect(pickNearest(points, optics, column, row, REACH, hit)).toBe(isNear);
      expect(hit.point).toBe(isNear ? nearest : -1);
      found += Number(isNear);
    }
  }
  expect(found).toBeGreaterThan(10);
});

test("points that are filtered out or faint are not meant by anyone", () => {
  const [faint, fewer] = [layer(true), { ...layer(), count: 0 }];
  for (const points of [faint, fewer]) expect(pickNearest(points, optics, 80, 50, 1_000, hit)).toBe(false);
});
