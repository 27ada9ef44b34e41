// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Compare } from "../../../src/panels/sidebar/compare";
import { fakeApi, fakePage, later, settled } from "../../service";

const OTHER = "00000000000000cd";

async function comparing(comparison: () => Promise<unknown>) {
  const snapshots = async () => [{ snapshot_id: OTHER, created_at: "2026-11-20", current: false }];
  const { page, store } = await fakePage(fakeApi({ snapshots, comparison }), { mode: "compare" });
  const { root } = new Compare(page);
  await settled();
  const list = root.querySelector("select") as HTMLSelectElement;
  list.value = OTHER;
  list.dispatchEvent(new Event("change"));
  return { store, said: root.querySelector("[role=status]") as HTMLElement };
}

test("nothing is said to be under way once another snapshot is on the map", async () => {
  const late = later<unknown>();
  const { store, said } = await comparing(() => late.promise);
  expect(said.textContent).toContain("Placing");
  store.set({ corpus: (await fakePage()).corpus });
  expect(said.textContent).toBe("");
  late.resolve(new ArrayBuffer(3));
  await settled();
  expect([said.textContent, store.state.comparison]).toEqual(["", null]);
});

test("a comparison that cannot be read is told", async () => {
  const { said } = await comparing(async () => new ArrayBuffer(3));
  await settled();
  expect(said.textContent).toContain("something else than a comparison");
});
