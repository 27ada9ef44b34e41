import { expect, test } from "vitest";
import { ColorTable, colorAt, FADES, fadeAt, SHADES, shadeAt } from "../../src/draw/shading";

const LOOK = { background: [10, 20, 30] as const, opacity: 1, fadeStart: 1, fadeEnd: 3 };
const CODE = 7;

function table(): Uint32Array {
  const palette = new Uint8Array(3 * 256);
  palette.set([200, 100, 50], 3 * CODE);
  const made = new ColorTable(palette, LOOK.background);
  for (let code = 0; code < 256; code++) made.use(code);
  return made.pixels;
}

function channels(pixel: number): number[] {
  return [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255, pixel >>> 24];
}

/** How far a colour is from the background. */
function contrast(pixel: number): number {
  return channels(pixel)
    .slice(0, 3)
    .reduce((sum, value, channel) => sum + Math.abs(value - LOOK.background[channel]), 0);
}

test("every colour is opaque, and every place of the table is used once", () => {
  const colors = table();
  expect(colors.length).toBe(2 * FADES * 256 * SHADES);
  expect(colors.every((pixel) => pixel >>> 24 === 255)).toBe(true);
  expect(colorAt(255, FADES - 1, true) + SHADES).toBe(colors.length);
  expect(colorAt(0, 0, false)).toBe(0);
});

test("a disc's middle has its palette's colour when it is near", () => {
  const small = shadeAt(0, 0, 1);
  const [red, green, blue] = channels(table()[colorAt(CODE, 0, false) + small]);
  for (const [shown, wanted] of [
    [red, 200],
    [green, 100],
    [blue, 50],
  ]) {
    expect(Math.abs(shown - wanted) / wanted).toBeLessThan(0.1);
  }
});

test("light comes from above and the left, and a large disc has a darker rim", () => {
  expect(shadeAt(-0.4, -0.4, 12)).toBeGreaterThan(shadeAt(0.4, 0.4, 12));
  expect(shadeAt(-0.68, -0.68, 12)).toBeLessThan(shadeAt(-0.55, -0.55, 12));
  for (let at = -1; at <= 1; at += 0.1) {
    const shade = shadeAt(at, 0, 12);
    expect(shade).toBeGreaterThanOrEqual(0);
    expect(shade).toBeLessThan(SHADES);
  }
});

test("what is far away, and what is faint, comes nearer to the background", () => {
  const colors = table();
  const at = (fade: number, isFaint: boolean) => contrast(colors[colorAt(CODE, fade, isFaint) + SHADES - 1]);
  expect([fadeAt(0, LOOK), fadeAt(1, LOOK), fadeAt(3, LOOK), fadeAt(9, LOOK)]).toEqual([0, 0, FADES - 1, FADES - 1]);
  expect(at(FADES - 1, false)).toBeLessThan(at(0, false));
  expect(at(0, true)).toBeLessThan(at(FADES - 1, false));
  expect(at(0, true)).toBeGreaterThan(0);
});
