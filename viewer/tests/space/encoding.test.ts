import { expect, test } from "vitest";
import { FAINT } from "../../src/space/disc";
import { type Columns, sizes, writeCodes } from "../../src/space/encoding";
import { css, paletteOf, ratioCode, weightCode } from "../../src/space/palette";
import { randomCloud } from "../clouds";

const NONE: Columns = { weights: null, clusters: null, ratios: null, copies: null, marks: null };
const cloud = randomCloud(50);

function codes(colorBy: "source" | "density" | "weight" | "ratio", columns: Partial<Columns>): Uint16Array {
  const out = new Uint16Array(50);
  writeCodes(cloud, colorBy, { ...NONE, ...columns }, out, 0, 50);
  return out;
}

test("colours go by what is asked for, sizes by density", () => {
  const [source, density] = [codes("source", {}), codes("density", {})];
  for (let point = 0; point < 50; point++) {
    const attributes = cloud.values[4 * point + 3];
    expect([source[point] & 255, density[point] & 255]).toEqual([attributes & 255, attributes >> 8]);
    expect(source[point] >> 8).toBe(attributes >> 9);
  }
});

test("a weight that is not there yet is no weight in particular", () => {
  expect(codes("weight", {}).every((code) => (code & 255) === 128)).toBe(true);
  expect([weightCode(1), weightCode(1 / 1000), weightCode(0), weightCode(1000)]).toEqual([128, 0, 0, 255]);
  expect(weightCode(2) - 128).toBeCloseTo(128 - weightCode(0.5), -1);
  expect([0, -127, -16, -8, 16, 127].map(ratioCode)).toEqual([128, 0, 0, 64, 255, 255]);
});

test("what is not drawn or not marked is faint", () => {
  const alternate = Uint8Array.from({ length: 50 }, (_, point) => point % 2);
  const isFaint = (columns: Partial<Columns>) => [...codes("source", columns)].map((code) => code >> 8 >= FAINT);
  expect(isFaint({ marks: alternate })).toEqual([...alternate].map((mark) => mark === 0));
  expect(isFaint({ copies: Uint16Array.from(alternate) })).toEqual([...alternate].map((mark) => mark === 0));
});

test("the rarest point is five times as large as the most crowded one, and more copies are larger", () => {
  const byDensity = sizes(false);
  expect([byDensity[0], byDensity[127]]).toEqual([2.5, 0.5]);
  const byCopies = sizes(true);
  expect(byCopies[4]).toBeGreaterThan(byCopies[1]);
  expect(byCopies[FAINT]).toBeLessThan(byCopies[1]);
});

test("families of sources have their hues; no two of the first eight are alike", () => {
  const sources = ["stack-exchange", "other-set", "hh-rlhf", "ultrafeedback", "a", "b", "c", "d"].map((name, code) => ({
    code,
    name,
  }));
  const palette = paletteOf("source", false, sources);
  expect([0, 2, 3].map((code) => css(palette, code))).toEqual(["#d55e00", "#009e73", "#0072b2"]);
  expect(new Set(sources.map(({ code }) => css(palette, code))).size).toBe(8);
});
