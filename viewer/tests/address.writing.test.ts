// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { Address } from "../src/address";
import type { Stage } from "../src/draw/stage";
import { fakeApi, fakePage, later, settled } from "./service";

const stage = { onPose: () => undefined, setPose: () => undefined, pose: null } as unknown as Stage;
const PROMPT = "47efe636b4484456";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  return () => vi.useRealTimers();
});

test("the prompt of an address stays in it until it is selected", async () => {
  window.location.hash = `#prompt=${PROMPT}`;
  const { store } = await fakePage();
  const link = { wanted: PROMPT, select: vi.fn() };
  new Address(store, stage, link).read();
  expect(link.select.mock.calls).toEqual([[PROMPT]]);
  store.set({ colorBy: "density" });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(window.location.hash).toBe(`#prompt=${PROMPT}&color=density`);
});

test("a prompt whose id comes late is not put back when another one is selected", async () => {
  window.location.hash = "";
  const first = later<unknown>();
  const chunk = await fakeApi().previews("", 1);
  const previews = (_: string, number: number) => (number === 0 ? first.promise : Promise.resolve(chunk));
  const { store } = await fakePage(fakeApi({ previews }));
  new Address(store, stage, { wanted: null, select: vi.fn() });
  store.set({ selected: 3 });
  await vi.advanceTimersByTimeAsync(300);
  store.set({ selected: 17 });
  await vi.advanceTimersByTimeAsync(300);
  expect(window.location.hash).toBe("#prompt=17");
  first.resolve({ first_point: 0, ids: ["0", "1", "2", "3"], previews: [] });
  vi.useRealTimers();
  await settled();
  expect(window.location.hash).toBe("#prompt=17");
});
