// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import type { Comparison } from "../../src/data/comparison";
import { HoverCard } from "../../src/panels/card";
import { fakeApi, fakePage, settled } from "../service";

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
