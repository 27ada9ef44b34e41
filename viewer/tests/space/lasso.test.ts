import { expect, test } from "vitest";
import { writeProjection } from "../../src/space/camera";
import { pointsInside, polygonMask } from "../../src/space/lasso";
import { randomCloud, upTo } from "../clouds";

const VIEW = { width: 200, height: 120 };

function inside(polygon: readonly number[], x: number, y: number): boolean {
  let isInside = false;
  for (let at = 0; at < polygon.length; at += 2) {
    const next = (at + 2) % polygon.length;
    const [x0, y0, x1, y1] = [polygon[at], polygon[at + 1], polygon[next], polygon[next + 1]];
    if (y0 <= y !== y1 <= y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) isInside = !isInside;
  }
  return isInside;
}

const STAR = [100, 10.5, 130, 110, 20, 45.2, 180, 45, 70, 110.7];

test("the mask has the pixels whose middle is inside, by the even-odd rule", () => {
  const mask = polygonMask(STAR, VIEW);
  for (let row = 0; row < VIEW.height; row++) {
    for (let column = 0; column < VIEW.width; column++) {
      expect(mask[row * VIEW.width + column] === 1).toBe(inside(STAR, column + 0.5, row + 0.5));
    }
  }
});

test("a line that leaves the picture is cut there", () => {
  expect(polygonMask([-50, -50, 500, -50, 500, 500, -50, 500], VIEW).every((value) => value === 1)).toBe(true);
});

test("points are inside whose centres are, behind the camera none", () => {
  const cloud = randomCloud(2000);
  const projection = new Float64Array(12);
  writeProjection({ yaw: 0.4, pitch: 0.2, distance: 0.5, target: [0, 0, 0] }, VIEW, projection);
  const all = pointsInside(cloud.values, upTo(2000), projection, [0, 0, 200, 0, 200, 120, 0, 120], VIEW);
  expect(all.length).toBeGreaterThan(50);
  expect(all.length).toBeLessThan(1000);
  const left = pointsInside(cloud.values, upTo(2000), projection, [0, 0, 100, 0, 100, 120, 0, 120], VIEW);
  const right = pointsInside(cloud.values, upTo(2000), projection, [100, 0, 200, 0, 200, 120, 100, 120], VIEW);
  expect([...left, ...right].sort((a, b) => a - b)).toEqual([...all]);
});
