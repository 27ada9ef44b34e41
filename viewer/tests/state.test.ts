import { expect, test } from "vitest";
import type { Comparison } from "../src/data/comparison";
import { INITIAL, isInUse, type State, Store } from "../src/state";

test("listeners hear of a change once, with the state before it", () => {
  const store = new Store();
  const heard: [number | null, number | null][] = [];
  const end = store.follow((state, before) => heard.push([state.hovered, before.hovered]));
  store.set({ hovered: 0 });
  store.set({ hovered: 0 });
  end();
  store.set({ hovered: 5 });
  expect(heard).toEqual([[0, null]]);
});

test.each<[boolean, Partial<State>]>([
  [false, { hovered: 1 }],
  [true, { selected: 0 }],
  [true, { marked: Uint32Array.of(2) }],
  [true, { tool: "lasso" }],
  [false, { comparison: {} as Comparison }],
  [true, { comparison: {} as Comparison, mode: "compare" }],
  [false, { mode: "compare" }],
])("a part of the map is in use (%s) while %o", (isUsed, change) => {
  expect(isInUse({ ...INITIAL, ...change })).toBe(isUsed);
});
