import { expect, test } from "vitest";
import { Store } from "../src/state";

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
