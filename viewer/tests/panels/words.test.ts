import { expect, test } from "vitest";
import { band, counted, denser, drawn, moment, percent, times } from "../../src/panels/words";

test("bands are quarters, the ends belong to the outer ones", () => {
  expect([0, 0.2499, 0.25, 0.5, 0.75, 1].map(band)).toEqual([
    "very rare",
    "very rare",
    "uncommon",
    "common",
    "very common",
    "very common",
  ]);
});

test("numbers", () => {
  expect(counted(1, "prompt")).toBe("1 prompt");
  expect(counted(253_110, "prompt")).toBe("253,110 prompts");
  expect(percent(0.1234)).toBe("12.3 %");
  expect(percent(0.5, 2)).toBe("50.00 %");
  expect(denser(0.0204)).toBe("denser than 2 % of prompts");
  expect([1.309, 0.0123, 512.4].map(times)).toEqual(["×1.31", "×0.012", "×512"]);
  expect(moment("no time")).toBe("no time");
});

test("small shares keep two digits that count", () => {
  expect([0, 4e-6, 0.00042, 0.0099, 0.123, 1].map(drawn)).toEqual([
    "0.0 %",
    "< 0.001 %",
    "0.042 %",
    "0.99 %",
    "12.3 %",
    "100.0 %",
  ]);
});
