import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CanvasRenderer } from "../../src/draw/canvas";
import type { Look, PointLayer } from "../../src/draw/renderer";
import { writeProjection } from "../../src/space/camera";
import { sizes, writeCodes } from "../../src/space/encoding";
import { type Hit, type Optics, pick } from "../../src/space/pick";
import { randomCloud, randomNumbers, upTo } from "../clouds";

const VIEW = { width: 160, height: 100 };
const NUM_POINTS = 4_000;
const BITS = 12;
const NONE = { weights: null, clusters: null, ratios: null, copies: null, marks: null };
const LOOK: Look = { background: [0, 0, 0], opacity: 1, fadeStart: 100, fadeEnd: 200 };
/** Darker than any white point, also a faint one. */
const DARK = 20;

beforeEach(() => {
  vi.stubGlobal(
    "ImageData",
    class {
      readonly width: number;
      readonly height: number;
      readonly data: Uint8ClampedArray;

      constructor(width: number, height: number) {
        [this.width, this.height] = [width, height];
        this.data = new Uint8ClampedArray(4 * width * height);
      }
    },
  );
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function layer(faintShare: number): PointLayer {
  const cloud = randomCloud(NUM_POINTS, 7);
  const codes = new Uint16Array(NUM_POINTS);
  const random = randomNumbers(3);
  const marks = Uint8Array.from({ length: NUM_POINTS }, () => Number(random() >= faintShare));
  writeCodes(cloud, "source", { ...NONE, marks }, codes, 0, NUM_POINTS);
  const palette = new Uint8Array(3 * 256);
  palette.fill(255, 3);
  return {
    values: cloud.values,
    indices: upTo(NUM_POINTS),
    count: NUM_POINTS,
    codes,
    radii: sizes(false),
    palette,
    loaded: NUM_POINTS,
    versions: { codes: 0, indices: 0 },
  };
}

function optics(yaw: number): Optics {
  const projection = new Float64Array(12);
  writeProjection({ yaw, pitch: 0.4, distance: 1.4, target: [0, 0, 0] }, VIEW, projection);
  return { projection, scale: 1.5, largest: 20, snaps: true };
}

/** The picture of some frames, as RGBA. */
function picture(frames: (renderer: CanvasRenderer) => void): Uint8ClampedArray {
  let shown: ImageData | null = null;
  const context = {
    canvas: { width: 0, height: 0 },
    putImageData: (data: ImageData) => {
      shown = data;
    },
  };
  const renderer = new CanvasRenderer({ getContext: () => context } as unknown as HTMLCanvasElement);
  renderer.clear(VIEW);
  frames(renderer);
  renderer.finish();
  return (shown as unknown as ImageData).data;
}

/** The point that is drawn at each pixel, -1 for none: one picture for each bit of its number. */
function drawn(points: PointLayer, view: Optics, look: Look = LOOK): Int32Array {
  const found = new Int32Array(VIEW.width * VIEW.height).fill(-1);
  for (let bit = 0; bit < BITS; bit++) {
    const codes = points.codes.map((code, point) => (code & 0xff00) | ((point >> bit) & 1));
    const shown = picture((renderer) => renderer.draw({ ...points, codes }, 0, points.count, view, look));
    found.forEach((before, at) => {
      if (shown[4 * at + 3] === 0) return;
      found[at] = Math.max(0, before) | (Number(shown[4 * at] > DARK) << bit);
    });
  }
  return found;
}

function picked(points: PointLayer, view: Optics): Int32Array {
  const hit: Hit = { point: -1, depth: 0, isFaint: false };
  return Int32Array.from({ length: VIEW.width * VIEW.height }, (_, at) =>
    pick(points, view, at % VIEW.width, Math.floor(at / VIEW.width), hit) ? hit.point : -1,
  );
}

test.each([
  [0, 0.9],
  [0.5, 0.2],
  [1, 2.4],
])("what is drawn is what is picked, at every pixel (%f of the points faint, turned by %f)", (faintShare, yaw) => {
  const [points, view] = [layer(faintShare), optics(yaw)];
  const found = drawn(points, view);
  expect(found.some((point) => point >= 0)).toBe(true);
  expect(found.some((point) => point < 0)).toBe(true);
  expect([...found]).toEqual([...picked(points, view)]);
});

test("a picture in slices, in whatever order, is the picture", () => {
  const [points, view] = [layer(0.3), optics(0.5)];
  const whole = picture((renderer) => renderer.draw(points, 0, NUM_POINTS, view, LOOK));
  const slices = picture((renderer) => {
    for (let start = NUM_POINTS - 500; start >= 0; start -= 500) renderer.draw(points, start, start + 500, view, LOOK);
  });
  expect(Buffer.from(slices).equals(Buffer.from(whole))).toBe(true);
});

test("less opacity shows what is behind, and leaves out pixels where nothing is", () => {
  const [points, view] = [layer(0), optics(0.9)];
  const [opaque, thin] = [drawn(points, view), drawn(points, view, { ...LOOK, opacity: 0.4 })];
  const lit = (found: Int32Array) => found.filter((point) => point >= 0).length;
  expect(lit(thin)).toBeLessThan(lit(opaque));
  expect(thin.some((point, at) => point >= 0 && point !== opaque[at])).toBe(true);
  expect(thin.every((point, at) => point < 0 || opaque[at] >= 0)).toBe(true);
});

test("nothing of an earlier picture stays, also when its size is another", () => {
  const [points, view] = [layer(0), optics(0.9)];
  const empty = picture((renderer) => {
    renderer.draw(points, 0, NUM_POINTS, view, LOOK);
    renderer.clear(VIEW);
  });
  expect(empty.every((value) => value === 0)).toBe(true);
  const smaller = { width: 40, height: 30 };
  const shown = picture((renderer) => {
    renderer.draw(points, 0, NUM_POINTS, view, LOOK);
    renderer.clear(smaller);
  });
  expect(shown.length).toBe(4 * smaller.width * smaller.height);
});
