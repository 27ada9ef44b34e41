// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { snapshots } from "../../src/panels/snapshots";
import { fakeApi, fakePage, SNAPSHOT, settled } from "../service";

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
