import { expect, test } from "vitest";
import { writeProjection } from "../../src/space/camera";
import { discScale, FAINT, SMALLEST_RADIUS, stampOf, stampRadius } from "../../src/space/disc";
import { sizes, writeCodes } from "../../src/space/encoding";
import { type Hit, isInFront, type Layer, type Optics, pick } from "../../src/space/pick";
import { randomCloud, upTo } from "../clouds";

const NONE = { weights: null, clusters: null, ratios: null, copies: null, marks: null };
const VIEW = { width: 160, height: 100 };

function layer(): Layer {
  const cloud = randomCloud(4000, 7);
  const codes = new Uint16Array(4000);
  const marks = Uint8Array.from({ length: 4000 }, (_, point) => (point % 3 === 0 ? 0 : 1));
  writeCodes(cloud, "source", { ...NONE, marks }, codes, 0, 4000);
  return { values: cloud.values, indices: upTo(4000), count: 4000, codes, radii: sizes(false) };
}

function optics(snaps: boolean, yaw: number): Optics {
  const projection = new Float64Array(12);
  writeProjection({ yaw, pitch: 0.4, distance: 1.4, target: [0, 0, 0] }, VIEW, projection);
  return { projection, scale: discScale(1, 4000, 2, VIEW.height), largest: 20, snaps };
}

/** Paints all discs, pixel by pixel, the way a renderer does; -1 where there is none. */
function painted(
  { values, indices, codes, radii }: Layer,
  { projection: m, scale, largest, snaps }: Optics,
): Int32Array {
  const points = new Int32Array(VIEW.width * VIEW.height).fill(-1);
  const depths = new Float32Array(points.length).fill(Infinity);
  for (const wantsFaint of [true, false]) {
    if (!wantsFaint) depths.fill(Infinity);
    for (const point of indices) {
      if (codes[point] >> 8 >= FAINT !== wantsFaint) continue;
      const [x, y, z] = values.subarray(4 * point, 4 * point + 3);
      const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
      if (depth <= 0.02) continue;
      let centerX = (m[0] * x + m[1] * y + m[2] * z + m[3]) / depth;
      let centerY = (m[4] * x + m[5] * y + m[6] * z + m[7]) / depth;
      let radius = Math.max(SMALLEST_RADIUS, Math.min(largest, (scale * radii[codes[point] >> 8]) / depth));
      if (snaps) {
        radius = stampRadius(stampOf(radius));
        centerX = Math.floor(centerX) + 0.5;
        centerY = Math.floor(centerY) + 0.5;
      }
      for (let row = 0; row < VIEW.height; row++) {
        for (let column = 0; column < VIEW.width; column++) {
          const isCovered = (column + 0.5 - centerX) ** 2 + (row + 0.5 - centerY) ** 2 <= radius * radius;
          const at = row * VIEW.width + column;
          if (!isCovered || Math.fround(depth) >= depths[at]) continue;
          depths[at] = depth;
          points[at] = point;
        }
      }
    }
  }
  return points;
}

test.each([
  [false, 0],
  [false, 2.1],
  [true, 0.9],
])("what is picked is what is painted (rounded: %s, turned by %f)", (snaps, yaw) => {
  const [drawn, view] = [layer(), optics(snaps, yaw)];
  const picture = painted(drawn, view);
  const hit: Hit = { point: -1, depth: 0, isFaint: false };
  const picked = picture.map((_, at) =>
    pick(drawn, view, at % VIEW.width, Math.floor(at / VIEW.width), hit) ? hit.point : -1,
  );
  expect(picked.some((point) => point >= 0)).toBe(true);
  expect(picked.some((point) => point < 0)).toBe(true);
  expect([...picked]).toEqual([...picture]);
});

test("point 0 is found like any other", () => {
  const one = { ...layer(), values: Uint16Array.of(32768, 32768, 32768, 0), indices: upTo(1), count: 1 };
  const hit: Hit = { point: -1, depth: 0, isFaint: false };
  expect(pick(one, optics(false, 0), 80, 50, hit)).toBe(true);
  expect(hit.point).toBe(0);
});

test("what is faint is behind what is not", () => {
  const [faint, bright] = [true, false].map((isFaint, place) => ({ point: place, depth: place + 1, isFaint }));
  expect(isInFront(bright, faint)).toBe(true);
  expect(isInFront(faint, bright)).toBe(false);
});

test("stamps are as large as what they stand for, nearly", () => {
  for (let radius = SMALLEST_RADIUS; radius < 60; radius += 0.1) {
    const step = radius < 5 ? 0.25 : 1;
    expect(Math.abs(stampRadius(stampOf(radius)) - radius)).toBeLessThanOrEqual(step / 2 + 1e-9);
  }
});
