// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { ApiError } from "../../../src/connection";
import { Corpus } from "../../../src/data/corpus";
import { editing } from "../../../src/panels/selection/editing";
import { fakeApi, fakePage, later, NUM_POINTS, SERVICE, SNAPSHOT, settled } from "../../service";

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

/** Weights of 1, but for the two marked prompts, which have 5 each: 10 of 48 draws. */
function weighted(isAway = false) {
  const weights = Float32Array.from({ length: NUM_POINTS }, (_, point) => (marked.includes(point) ? 5 : 1));
  return async (path: string) => {
    if (isAway) throw new ApiError(null, "away");
    return path.endsWith("weights") ? weights.buffer : new ArrayBuffer(8 * NUM_POINTS);
  };
}

function told(root: HTMLElement): string[] {
  return [...root.querySelectorAll("[data-factor]")].map((place) => place.textContent ?? "");
}

test("each change says which share of draws it makes, and what is made says it again", async () => {
  const edit = async () => ({ snapshot_id: CHILD, parent: SNAPSHOT, is_new: true });
  const { page, store } = await fakePage(fakeApi({ bytes: weighted(), edit }), { marked, service: SERVICE });
  const root = editing(page);
  await settled();
  expect(told(root)).toEqual(["20.8 %", "34.5 %", "51.3 %", "67.8 %", "2.6 %", "0.26 %"]);
  const button = [...root.querySelectorAll("button")].find((one) => one.textContent === "×8");
  const described = button?.getAttribute("aria-describedby") ?? "";
  expect(root.querySelector(`[id="${described}"]`)?.textContent).toBe("67.8 %");
  button?.click();
  await settled();
  expect(root.textContent).toContain("20.8 % → 67.8 %");
  store.set({ marked: Uint32Array.of(3) });
  expect(root.textContent).not.toContain("→");
});

test("shares that did not come are asked for again when the service is back", async () => {
  const bytes = vi.fn(weighted(true));
  const { page, store } = await fakePage(fakeApi({ bytes }), { marked, service: SERVICE });
  const root = editing(page);
  await settled();
  expect(told(root).join("")).toBe("");
  bytes.mockImplementation(weighted());
  store.set({ returns: 1 });
  await settled();
  expect(told(root)[0]).toBe("20.8 %");
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

test("what is said of a version is true of it: whether it is current, and what can be done with it", async () => {
  const edit = async () => ({ snapshot_id: CHILD, parent: SNAPSHOT, is_new: true });
  const switchTo = vi.fn(async () => undefined);
  const { page, store, corpus } = await fakePage(fakeApi({ bytes, edit, switchTo }), { marked, service: SERVICE });
  const root = editing(page);
  root.querySelector("button")?.click();
  await settled();
  const offered = () => [...root.querySelectorAll(".actions button")].map((button) => button.textContent);
  expect(offered()).toEqual(["Look at it", "Make it current"]);
  store.set({ corpus: await Corpus.load(page.api, CHILD, () => undefined) });
  expect(offered()).toEqual(["Make it current"]);
  root.querySelector<HTMLElement>(".actions .main")?.click();
  await settled();
  expect(switchTo).toHaveBeenCalledWith(CHILD);
  expect([root.textContent?.includes("is the current snapshot now"), offered()]).toEqual([true, []]);
  store.set({ published: SNAPSHOT, corpus });
  expect(root.textContent).not.toContain("is the current snapshot now");
  expect(offered()).toEqual(["Look at it", "Make it current"]);
});

test("one edit is made by a double click, and its late answer leaves a later edit of other marks alone", async () => {
  const answers = [later<unknown>(), later<unknown>(), later<unknown>()];
  const edit = vi.fn(() => answers[edit.mock.calls.length - 1].promise);
  const { page, store } = await fakePage(fakeApi({ bytes, edit }), { marked, service: SERVICE });
  const root = editing(page);
  const press = async () => {
    root.querySelector("button")?.click();
    await settled();
  };
  await press();
  await press();
  expect(edit).toHaveBeenCalledTimes(1);
  store.set({ marked: Uint32Array.of(3) });
  await press();
  answers[0].resolve({ snapshot_id: "00000000000000aa", parent: SNAPSHOT, is_new: true });
  await settled();
  expect(root.querySelector("[role=status]")?.textContent).toContain("Making the new version");
  expect(page.notices.root.textContent).toContain("00000000000000aa");
  await press();
  answers[1].resolve({ snapshot_id: CHILD, parent: SNAPSHOT, is_new: true });
  await settled();
  expect(root.querySelector("[role=status]")?.textContent).toContain(CHILD);
  await press();
  expect(edit, "the next one may be made when the last one is").toHaveBeenCalledTimes(3);
});

test("a late failure of an edit of other marks does not hide what became of a later one", async () => {
  const late = later<unknown>();
  const answers = [late.promise, Promise.resolve({ snapshot_id: CHILD, parent: SNAPSHOT, is_new: true })];
  const { page, store } = await fakePage(fakeApi({ bytes, edit: () => answers.shift() }), { marked, service: SERVICE });
  const root = editing(page);
  root.querySelector("button")?.click();
  await settled();
  store.set({ marked: Uint32Array.of(3) });
  root.querySelector("button")?.click();
  await settled();
  late.reject(new ApiError(500, "The disk is full."));
  await settled();
  expect(root.querySelector("[role=status]")?.textContent).toContain(CHILD);
  expect(page.notices.root.textContent).toContain("The disk is full.");
});

test("a version that could not be made current can be tried again, and a late refusal is told of its own version", async () => {
  const late = later<unknown>();
  const refused = new ApiError(500, "The disk is full.");
  const answers = [() => Promise.reject(refused), () => late.promise];
  const edit = async () => ({ snapshot_id: CHILD, parent: SNAPSHOT, is_new: true });
  const api = fakeApi({ bytes, edit, switchTo: () => answers.shift()?.() });
  const { page, store } = await fakePage(api, { marked, service: SERVICE });
  const root = editing(page);
  const press = async (place: string) => {
    root.querySelector<HTMLElement>(place)?.click();
    await settled();
  };
  await press("button");
  await press(".actions .main");
  expect(root.textContent).toContain("The disk is full.");
  expect(root.querySelector(".actions .main")).not.toBe(null);
  await press(".actions .main");
  store.set({ marked: Uint32Array.of(3) });
  await press("button");
  late.reject(refused);
  await settled();
  expect(root.textContent).toContain(CHILD);
  expect(root.textContent).not.toContain("The disk is full.");
});
