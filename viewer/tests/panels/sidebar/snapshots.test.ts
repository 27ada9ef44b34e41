// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { snapshots } from "../../../src/panels/sidebar/snapshots";
import { fakeApi, fakePage, SERVICE, SNAPSHOT, settled } from "../../service";

const NEWER = "00000000000000cd";

test("a page that follows the current snapshot can go to one that became current meanwhile", async () => {
  const entry = (snapshot_id: string) => ({ snapshot_id, created_at: "2026-11-20", current: snapshot_id === NEWER });
  const { page, store } = await fakePage(fakeApi({ snapshots: async () => [entry(NEWER), entry(SNAPSHOT)] }));
  const list = snapshots(page).querySelector("select") as HTMLSelectElement;
  await settled();
  expect(list.value).toBe(SNAPSHOT);
  list.value = NEWER;
  list.dispatchEvent(new Event("change"));
  expect(store.state.pinnedSnapshot).toBe(NEWER);
});

test("a snapshot is offered to be made current once it is known that this reader may do that", async () => {
  const entry = (snapshot_id: string) => ({ snapshot_id, created_at: "2026-11-20", current: snapshot_id === NEWER });
  const { page, store } = await fakePage(fakeApi({ snapshots: async () => [entry(NEWER), entry(SNAPSHOT)] }));
  const root = snapshots(page);
  await settled();
  expect(root.querySelector("button")).toBe(null);
  store.set({ service: SERVICE });
  expect(root.querySelector("button")?.textContent).toBe("Make it current");
  store.set({ service: { ...SERVICE, scope: "read" } });
  expect(root.querySelector("button")).toBe(null);
});
