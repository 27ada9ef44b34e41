// @vitest-environment happy-dom

import { beforeEach, expect, test } from "vitest";
import { followKeys, type Keys } from "../../src/draw/keyboard";

let host: HTMLElement;
let heard: (string | number | boolean)[][];

beforeEach(() => {
  [host, heard] = [document.createElement("div"), []];
  const names = ["orbitBy", "pan", "zoomBy", "home", "closer", "choose", "markHere", "widen", "clear", "focus"];
  const hear =
    (name: string) =>
    (...said: (number | boolean)[]) =>
      heard.push([name, ...said]);
  followKeys(host, Object.fromEntries(names.map((name) => [name, hear(name)])) as unknown as Keys);
});

/** What a key does, and whether the page keeps its own meaning for it. */
function press(key: string, options: KeyboardEventInit = {}): [string | undefined, boolean] {
  heard = [];
  const event = new KeyboardEvent("keydown", { key, cancelable: true, ...options });
  host.dispatchEvent(event);
  return [heard[0]?.[0] as string | undefined, !event.defaultPrevented];
}

test.each([
  ["ArrowLeft", "orbitBy"],
  ["+", "zoomBy"],
  ["=", "zoomBy"],
  ["-", "zoomBy"],
  ["0", "home"],
  ["Home", "home"],
  ["f", "closer"],
  ["Enter", "choose"],
  [" ", "choose"],
  ["m", "markHere"],
  ["[", "widen"],
  ["]", "widen"],
  [",", "widen"],
  [".", "widen"],
  ["Escape", "clear"],
])("%s does %s, and shows the crosshair", (key, wanted) => {
  expect(press(key)).toEqual([wanted, false]);
  expect(heard.at(-1)).toEqual(["focus", true]);
});

test("arrows turn the camera to the side that they show, with Shift they move the picture", () => {
  const turns = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => {
    press(key);
    return (heard[0].slice(1) as number[]).map(Math.sign);
  });
  expect(turns).toEqual([
    [1, -0],
    [-1, -0],
    [-0, 1],
    [-0, -1],
  ]);
  expect(press("ArrowLeft", { shiftKey: true })).toEqual(["pan", false]);
  expect(heard[0][1]).toBeGreaterThan(0);
});

test.each([
  ["+", "-"],
  ["[", "]"],
  [",", "."],
])("%s and %s undo each other", (less, more) => {
  press(less);
  const first = heard[0][1] as number;
  press(more);
  expect(first).toBeLessThan(1);
  expect(first * (heard[0][1] as number)).toBeCloseTo(1, 12);
});

test.each([
  ["Tab", {}],
  ["a", {}],
  ["ArrowLeft", { ctrlKey: true }],
  ["+", { metaKey: true }],
  ["Home", { altKey: true }],
])("%s with %o stays what it is to the page", (key, options) => {
  expect(press(key, options)).toEqual([undefined, true]);
});

test("a map without the focus has no crosshair", () => {
  host.dispatchEvent(new FocusEvent("blur"));
  expect(heard).toEqual([["focus", false]]);
});
