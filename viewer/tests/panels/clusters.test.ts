// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { showCluster } from "../../src/panels/clusters";
import { fakeApi, fakePage, later, NUM_POINTS, settled } from "../service";

test("a cluster of a snapshot that is not shown any more does nothing to the map", async () => {
  const labels = later<ArrayBuffer>();
  const { page, store, stage } = await fakePage(fakeApi({ bytes: () => labels.promise }));
  void showCluster(page, 0);
  store.set({ corpus: (await fakePage()).corpus });
  labels.resolve(new ArrayBuffer(2 * NUM_POINTS));
  await settled();
  expect(stage.frame).not.toHaveBeenCalled();
  expect(store.state.filter.cluster).toBe(null);
});

test("a cluster is shown with all its points, and labels that do not fit are told", async () => {
  const good = await fakePage(fakeApi({ bytes: async () => new ArrayBuffer(2 * NUM_POINTS) }));
  await showCluster(good.page, 0);
  expect(good.store.state.filter.cluster).toBe(0);
  expect(good.stage.frame.mock.calls[0]?.[0]).toHaveLength(NUM_POINTS);
  const bad = await fakePage(fakeApi({ bytes: async () => new ArrayBuffer(1) }));
  await showCluster(bad.page, 0);
  expect(bad.page.notices.root.textContent).toContain("has 1 bytes");
});
