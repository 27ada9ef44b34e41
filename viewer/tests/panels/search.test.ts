// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Search } from "../../src/panels/search";
import { fakeApi, fakePage, later, NUM_POINTS, settled } from "../service";

const hit = (point: number) => ({
  id: "0",
  preview: "text",
  source: "hh",
  density_percentile: 0,
  distance: null,
  point,
});
const found = { snapshot_id: "", mode: "meaning", total: null, results: [hit(4), hit(NUM_POINTS), hit(2)] };

async function searched(answers: Promise<unknown>[]) {
  const parts = await fakePage(fakeApi({ search: () => answers.shift() }));
  const search = new Search(parts.page);
  search.findSimilar("text");
  await settled();
  const mark = [...search.root.querySelectorAll("button")].find((button) => button.textContent?.startsWith("Mark all"));
  return { ...parts, mark: mark as HTMLElement };
}

test("what is found is marked as far as the map has it", async () => {
  const { mark, store, stage } = await searched([Promise.resolve(found), Promise.resolve(found)]);
  mark.click();
  await settled();
  expect(Array.from(store.state.marked ?? [])).toEqual([2, 4]);
  expect(stage.frame.mock.calls[0]?.[0]).toEqual([4, 2]);
});

test("points of one snapshot are not marked on the map of another", async () => {
  const late = later<unknown>();
  const { mark, store } = await searched([Promise.resolve(found), late.promise, Promise.resolve(found)]);
  mark.click();
  store.set({ corpus: (await fakePage()).corpus });
  late.resolve(found);
  await settled();
  expect(store.state.marked).toBe(null);
});
