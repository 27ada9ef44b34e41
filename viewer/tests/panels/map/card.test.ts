// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import type { Comparison } from "../../../src/data/comparison";
import { HoverCard } from "../../../src/panels/map/card";
import { fakeApi, fakePage, settled } from "../../service";

test("texts of the other snapshot are found by that one's own chunks", async () => {
  const meta = async (snapshot: string | null) => ({ ...(await fakeApi().meta(snapshot)), chunk_rows: 10 });
  const previews = vi.fn(async (_: string, chunk: number) => ({
    ...(await fakeApi().previews(null, chunk)),
    first_point: 10 * chunk,
    previews: Array.from({ length: 10 }, (_, row) => `other text ${10 * chunk + row}`),
  }));
  const { page, store, corpus } = await fakePage(fakeApi({ meta, previews }));
  const map = document.createElement("div");
  const { root } = new HoverCard(page, map);
  const comparison = { snapshotId: "00000000000000cd", cloud: corpus.cloud } as Comparison;
  store.set({ comparison });
  map.dispatchEvent(new MouseEvent("pointermove"));
  store.set({ hoveredOther: 25 });
  await settled();
  expect(previews.mock.calls).toEqual([["00000000000000cd", 2]]);
  expect(root.textContent).toContain("other text 25");
});

test("who aims by keys sees and hears what is at the crosshair, and not what a list points at", async () => {
  const { page, store, stage } = await fakePage();
  const map = document.createElement("div");
  map.getBoundingClientRect = () => new DOMRect(300, 0, 900, 700);
  const { root } = new HoverCard(page, map);
  stage.crosshair = { x: 450, y: 350, point: 3 };
  store.set({ hovered: 3 });
  await settled();
  expect([root.hidden, root.textContent?.includes("text 3")]).toEqual([false, true]);
  expect(root.style.transform).toBe("translate(766px, 366px)");
  expect(page.notices.root.textContent).toContain("text 3");
  stage.view.covered.right = 440;
  Object.defineProperty(root, "offsetWidth", { value: 20 });
  store.set({ hovered: null });
  store.set({ hovered: 3 });
  expect(root.style.transform, "it keeps off a panel").toBe("translate(714px, 366px)");
  store.set({ selected: 3 });
  expect(root.hidden, "its own panel tells of it").toBe(true);
  store.set({ selected: null, hovered: 4 });
  expect(root.hidden).toBe(true);
  stage.crosshair = null;
  store.set({ hovered: 3 });
  expect(root.hidden).toBe(true);
});
