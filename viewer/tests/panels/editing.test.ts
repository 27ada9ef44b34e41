// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { editing } from "../../src/panels/editing";
import { fakeApi, fakePage, later, NUM_POINTS, SERVICE, SNAPSHOT, settled } from "../service";

const CHILD = "00000000000000cd";
const marked = Uint32Array.of(1, 2);
const bytes = async () => new ArrayBuffer(8 * NUM_POINTS);

test("changes are offered once it is known that this reader may make them", async () => {
  const { page, store } = await fakePage(fakeApi(), { marked });
  const root = editing(page);
  expect(root.querySelectorAll("button")).toHaveLength(0);
  store.set({ service: { ...SERVICE, scope: "publish" } });
  expect(root.querySelector("button")?.textContent).toBe("×2");
  store.set({ service: { ...SERVICE, scope: "read" } });
  expect(root.textContent).toContain("may only read");
});

test("a version that is made after the map went on is told, and not as one of the snapshot shown now", async () => {
  const answer = later<unknown>();
  const { page, store } = await fakePage(fakeApi({ bytes, edit: () => answer.promise }), { marked, service: SERVICE });
  const root = editing(page);
  root.querySelector("button")?.click();
  await settled();
  store.set({ corpus: (await fakePage()).corpus });
  answer.resolve({ snapshot_id: CHILD, parent: SNAPSHOT, is_new: true });
  await settled();
  expect(root.textContent).not.toContain(CHILD);
  expect(page.notices.root.textContent).toContain(CHILD);
});
