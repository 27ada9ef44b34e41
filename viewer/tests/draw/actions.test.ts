import { expect, test, vi } from "vitest";
import type { Corpus } from "../../src/data/corpus";
import { Actions } from "../../src/draw/actions";
import { INITIAL, Store } from "../../src/state";

/** Points in a row, 20 pixels from each other, the first one in the middle of the map. */
const PLACES = Array.from({ length: 10 }, (_, point) => 200 + 20 * point);

function board(isEmpty = false) {
  const store = new Store({ ...INITIAL, corpus: {} as Corpus, selected: 3 });
  const parts = {
    store,
    motion: { touch: vi.fn() },
    overlay: { hasCrosshair: false, ring: null, lasso: [] },
    view: { middle: { x: 200, y: 100 } },
    redraw: vi.fn(),
    picker: {
      isOther: false,
      near: (x: number) => (isEmpty ? null : Math.round((x - 200) / 20)),
      inside: (line: readonly number[]) => {
        const reach = Math.max(...line.filter((_, at) => at % 2 === 0));
        return Uint32Array.from(isEmpty ? [] : PLACES.keys()).filter((point) => PLACES[point] < reach);
      },
    },
  };
  return { ...parts, actions: new Actions(parts as unknown as ConstructorParameters<typeof Actions>[0]) };
}

test("a key marks what is in a ring round the crosshair, which other keys make larger and smaller", () => {
  const { actions, store, overlay } = board();
  const marked = () => {
    actions.markHere();
    return Array.from(store.state.marked ?? []);
  };
  expect(marked()).toEqual([0, 1, 2]);
  expect([store.state.selected, overlay.ring]).toEqual([null, 60]);
  actions.widen(1.5);
  expect(overlay.ring).toBe(90);
  expect(marked()).toEqual([0, 1, 2, 3, 4]);
  actions.widen(1 / 100);
  expect(marked()).toEqual([0]);
  store.set({ selected: 3 });
  actions.clear();
  expect([store.state.selected, store.state.marked?.length]).toEqual([null, 1]);
  actions.clear();
  expect([store.state.marked, overlay.ring]).toEqual([null, null]);
});

test("a ring or a line round nothing leaves what was marked, and says so each time", () => {
  const { actions, store } = board(true);
  const before = Uint32Array.of(1, 2);
  store.set({ marked: before });
  const said: boolean[] = [];
  store.follow(({ hasMissed }) => said.push(hasMissed));
  actions.markHere();
  actions.markHere();
  expect(said).toEqual([true, false, true]);
  store.set({ tool: "lasso" });
  actions.drag(true);
  for (const at of [1, 2, 3]) actions.drawTo(at, at);
  actions.drawEnd(true);
  expect([store.state.marked, store.state.tool, store.state.hasMissed]).toEqual([before, "lasso", true]);
});

test("what is aimed at by keys is what is at the crosshair, unless the pointer is over the map", () => {
  const { actions, store, overlay } = board();
  actions.focus(true);
  expect([actions.aimed, store.state.hovered, overlay.hasCrosshair]).toEqual([0, 0, true]);
  actions.hover(240, 100);
  expect([actions.aimed, store.state.hovered]).toEqual([null, 2]);
  actions.hover(null, 0);
  expect([actions.aimed, store.state.hovered]).toEqual([0, 0]);
  actions.focus(false);
  expect([actions.aimed, store.state.hovered]).toEqual([null, null]);
});

test("a map that the pointer came to or left looks again whether it may turn", () => {
  const { actions, redraw } = board(true);
  actions.hover(5, 5);
  actions.hover(6, 6);
  expect([redraw.mock.calls.length, actions.isOver]).toEqual([1, true]);
  actions.hover(null, 0);
  expect([redraw.mock.calls.length, actions.isOver]).toEqual([2, false]);
});
