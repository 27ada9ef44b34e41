import { expect, test } from "vitest";
import { bounds } from "../../src/space/bounds";
import { randomCloud, upTo } from "../clouds";

test("the ball holds most of the points, not the few that are far away", () => {
  const cloud = randomCloud(1_000);
  for (let point = 0; point < 990; point++) {
    for (let axis = 0; axis < 3; axis++) cloud.values[4 * point + axis] = 40_000 + (point % 100);
  }
  const { center, radius } = bounds(cloud.values, upTo(1_000));
  const middle = (40_050 / 65535) * 2 - 1;
  for (const at of center) expect(at).toBeCloseTo(middle, 3);
  expect(radius).toBeLessThan(0.01);
});

test("one point is its own middle, and only the points that are asked for count", () => {
  const { values } = randomCloud(10);
  const { center, radius } = bounds(values, [7]);
  expect(radius).toBe(0);
  expect(center).toEqual(Array.from(values.subarray(28, 31), (at) => (at / 65535) * 2 - 1));
});

test("of many points a sample is enough", () => {
  const { values } = randomCloud(60_000);
  const { center, radius } = bounds(values, upTo(60_000));
  for (const at of center) expect(Math.abs(at)).toBeLessThan(0.05);
  expect(radius).toBeGreaterThan(1);
  expect(radius).toBeLessThan(Math.sqrt(3));
});

test("of a few points none is left out", () => {
  const { values } = randomCloud(11);
  values.fill(30_000);
  values.set([60_000, 60_000, 60_000], 4 * 10);
  const far = (Math.sqrt(3) * 30_000 * 2) / 65535;
  expect(bounds(values, upTo(11)).radius).toBeCloseTo(far, 6);
  expect(bounds(values, [9, 10]).radius).toBeCloseTo(far, 6);
});
