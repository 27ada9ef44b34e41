import { expect, test } from "vitest";
import { decileShares, draws, editedShare, effectiveShare, shareOf } from "../../src/space/exposure";
import { randomCloud, randomNumbers } from "../clouds";

const NUM_POINTS = 20_000;
const random = randomNumbers(3);
const weights = Float32Array.from({ length: NUM_POINTS }, () => 0.1 + 3 * random() ** 3);

test("copies are off their expectation by less than one, and add up", () => {
  const copies = draws(weights, 1, 9000);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  copies.forEach((count, point) => {
    expect(Math.abs(count - (9000 * weights[point]) / sum)).toBeLessThan(1);
  });
  expect(Math.abs(copies.reduce((total, count) => total + count, 0) - 9000)).toBeLessThan(90);
});

test("a small move of the strength moves few draws", () => {
  const before = draws(weights, 1, 5000);
  const after = draws(weights, 1.02, 5000);
  const moved = before.reduce((total, count, point) => total + Math.abs(count - after[point]), 0);
  expect(moved).toBeGreaterThan(0);
  expect(moved).toBeLessThan(0.02 * 5000);
});

test("what is muted is never drawn", () => {
  const muted = Float32Array.from(weights).fill(0, 0, 100);
  for (const strength of [0, 0.5, 1, 2]) {
    expect(
      draws(muted, strength, 40_000)
        .subarray(0, 100)
        .every((count) => count === 0),
    ).toBe(true);
  }
});

test("without strength draws are uniform: a tenth a decile, all of the effective size", () => {
  const cloud = randomCloud(NUM_POINTS);
  expect(effectiveShare(weights, 0)).toBeCloseTo(1, 9);
  for (const share of decileShares(cloud, weights, 0)) expect(Math.abs(share - 0.1)).toBeLessThan(0.01);
});

test("effective size is Kish's", () => {
  expect(effectiveShare(Float32Array.of(1, 1, 2), 1)).toBeCloseTo(16 / (3 * 6), 9);
  expect(effectiveShare(Float32Array.of(1, 1, 2), 2)).toBeCloseTo(36 / (3 * 18), 9);
});

test("the share that an edit makes is the one of the edited weights", () => {
  const points = Uint32Array.from({ length: 500 }, (_, number) => 7 * number);
  for (const factor of [0.01, 0.1, 1, 8]) {
    const edited = weights.slice();
    for (const point of points) edited[point] *= factor;
    expect(editedShare(shareOf(weights, points), factor)).toBeCloseTo(shareOf(edited, points), 6);
  }
  const all = Uint32Array.from(weights.keys());
  expect(editedShare(shareOf(weights, all), 8)).toBe(1);
});
