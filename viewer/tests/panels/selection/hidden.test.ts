// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { hiddenMarks } from "../../../src/panels/selection/hidden";
import { fakeApi, fakePage, NUM_POINTS } from "../../service";

test("marks that filters hide are counted while they are hidden, and shown by one click", async () => {
  const labels = Uint16Array.from({ length: NUM_POINTS }, (_, point) => point % 4);
  const { page, store, corpus } = await fakePage(fakeApi({ bytes: async () => labels.buffer }));
  await corpus.clusters();
  const root = hiddenMarks(page);
  const only = (label: number) => ({ ...store.state.filter, clusters: { isOnly: true, labels: new Set([label]) } });
  store.set({ marked: Uint32Array.of(0, 1, 2, 4, 8) });
  expect(root.hidden).toBe(true);
  store.set({ filter: only(0) });
  expect(root.textContent).toContain("2 of them are hidden by filters");
  store.set({ filter: only(1) });
  expect(root.textContent).toContain("4 of them are hidden by filters");
  root.querySelector("button")?.click();
  expect([root.hidden, root.textContent]).toEqual([true, ""]);
  store.set({ filter: { ...store.state.filter, hiddenSources: new Set([1]) } });
  expect(root.textContent).toContain("5 of them");
});
