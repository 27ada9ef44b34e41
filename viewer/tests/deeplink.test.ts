// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { ApiError } from "../src/connection";
import { DeepLink } from "../src/deeplink";
import { fakeApi, fakePage, later, settled } from "./service";

async function link(prompt: (id: string) => Promise<unknown>, hasArrived = true) {
  const { page, store, corpus } = await fakePage(fakeApi({ prompt: vi.fn(prompt) }));
  const loading = { hasArrived };
  return { page, store, corpus, loading, link: new DeepLink({ ...page, loading }) };
}

test("what is clicked while the prompt of the address comes stays selected", async () => {
  const answer = later<unknown>();
  const { store, link: made } = await link(() => answer.promise);
  made.select("aa");
  store.set({ selected: 9 });
  answer.resolve({ point: 3 });
  await settled();
  expect([store.state.selected, made.wanted]).toEqual([9, null]);
});

test("of two addresses the later one wins, in whatever order they are answered", async () => {
  const first = later<unknown>();
  const { store, link: made } = await link((id) => (id === "aa" ? first.promise : Promise.resolve({ point: 4 })));
  made.select("aa");
  made.select("bb");
  await settled();
  first.resolve({ point: 3 });
  await settled();
  expect(store.state.selected).toBe(4);
});

test("without an answer the prompt stays wanted, and comes when the service is back", async () => {
  const answers = [Promise.reject(new ApiError(null, "away")), Promise.resolve({ point: 3 })];
  const { page, store, link: made } = await link(() => answers.shift() as Promise<unknown>);
  made.select("aa");
  await settled();
  expect([store.state.selected, made.wanted, page.notices.root.textContent]).toEqual([null, "aa", ""]);
  made.resume();
  await settled();
  expect([store.state.selected, made.wanted]).toEqual([3, null]);
});

test("a prompt that is gone is told and not wanted any more", async () => {
  const { page, link: made } = await link(() => Promise.reject(new ApiError(404, "There is no such prompt.")));
  made.select("aa");
  await settled();
  expect(made.wanted).toBe(null);
  expect(page.notices.root.textContent).toContain("There is no such prompt.");
});

test("the snapshot before is not asked for a prompt of the one that comes", async () => {
  const { page, store, loading, link: made } = await link(async () => ({ point: 3 }), false);
  made.select("aa");
  await settled();
  expect(page.api.prompt).not.toHaveBeenCalled();
  loading.hasArrived = true;
  store.set({ corpus: (await fakePage()).corpus, selected: null });
  await settled();
  expect(store.state.selected).toBe(3);
});

test("a map that is loaded again meanwhile is no failure", async () => {
  const { page, link: made } = await link(() => Promise.reject(new DOMException("superseded", "AbortError")));
  made.select("aa");
  await settled();
  expect([made.wanted, page.notices.root.textContent]).toEqual(["aa", ""]);
});
