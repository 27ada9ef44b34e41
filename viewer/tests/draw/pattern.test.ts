import { expect, test } from "vitest";
import { isLeftOut, patternShift } from "../../src/draw/pattern";
import { upTo } from "../clouds";

const SIDE = 4;

function shareLeftOut(points: Iterable<number>, opacity: number): number {
  let [out, all] = [0, 0];
  for (const point of points) {
    const shift = patternShift(point);
    for (let pixel = 0; pixel < SIDE * SIDE; pixel++, all++) {
      out += Number(isLeftOut(pixel % SIDE, Math.floor(pixel / SIDE), shift, opacity));
    }
  }
  return out / all;
}

test.each([0.1, 0.25, 0.5, 0.7, 0.9])("at an opacity of %f each point leaves out the rest", (opacity) => {
  for (const point of [0, 1, 77]) {
    expect(Math.abs(shareLeftOut([point], opacity) - (1 - opacity))).toBeLessThanOrEqual(0.5 / (SIDE * SIDE));
  }
});

test("an opaque point leaves out nothing", () => {
  expect(shareLeftOut(upTo(50), 1)).toBe(0);
});

test("points that lie over each other leave out different pixels, so that together they cover all", () => {
  const shifts = Array.from(upTo(200), patternShift);
  expect(new Set(shifts).size).toBe(SIDE * SIDE);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const [column, row] = [pixel % SIDE, Math.floor(pixel / SIDE)];
    expect(shifts.every((shift) => isLeftOut(column, row, shift, 0.2))).toBe(false);
  }
});

test("the pattern stays where it is on the screen, however far from its corner", () => {
  for (const [column, row] of [
    [0, 0],
    [3, 1],
    [2, 2],
  ]) {
    expect(isLeftOut(column + 400, row + 1200, 5, 0.5)).toBe(isLeftOut(column, row, 5, 0.5));
  }
});
