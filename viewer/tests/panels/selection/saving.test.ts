// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { Saving } from "../../../src/panels/selection/saving";
import { fakeApi, fakePage, later, NUM_POINTS, SERVICE, settled } from "../../service";

const bytes = async () => new ArrayBuffer(8 * NUM_POINTS);
const marked = Uint32Array.from({ length: NUM_POINTS }, (_, point) => point);
const service = { ...SERVICE, limits: { ...SERVICE.limits, results: 25 } };

async function begun() {
  const answer = later<unknown>();
  const signals: AbortSignal[] = [];
  const texts = vi.fn(async (ids: readonly string[], _: string, signal: AbortSignal) => {
    signals.push(signal);
    if (ids.length === 25) return { prompts: [], missing: [] };
    return Promise.race([
      answer.promise,
      new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))),
    ]);
  });
  const { page, store } = await fakePage(fakeApi({ bytes, texts }), { marked, service });
  const { root } = new Saving(page);
  const press = (name: string) => [...root.querySelectorAll("button")].find((one) => one.textContent === name)?.click();
  press("Prompts (.jsonl)");
  await settled();
  return { root, store, press, answer, texts, signals };
}

test("while texts come, the page says how many are there, and no other file is begun", async () => {
  const { root, texts, press } = await begun();
  const bar = root.querySelector("progress");
  expect([bar?.value, bar?.max]).toEqual([25, NUM_POINTS]);
  expect(root.textContent).toContain("25 of 40 texts");
  press("Prompts (.jsonl)");
  await settled();
  expect(texts.mock.calls.map(([ids]) => ids.length)).toEqual([25, 15]);
});

test("an export that is stopped, or whose marks are gone, asks for nothing more and saves nothing", async () => {
  const made = vi.spyOn(URL, "createObjectURL");
  const { root, press, signals } = await begun();
  press("Stop");
  await settled();
  expect(signals.every((signal) => signal.aborted)).toBe(true);
  expect(root.querySelector("[role=status]")?.textContent).toBe("Stopped; nothing was saved.");
  expect(root.querySelector<HTMLElement>(".saving")?.hidden).toBe(true);
  const other = await begun();
  other.store.set({ marked: null });
  await settled();
  expect(other.signals.every((signal) => signal.aborted)).toBe(true);
  expect(made).not.toHaveBeenCalled();
});

test("ids that come for marks that are gone are not saved, and what was said of a file goes with its marks", async () => {
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:");
  made.mockClear();
  const ids = later<ArrayBuffer>();
  const { page, store } = await fakePage(fakeApi({ bytes: () => ids.promise }), { marked, service });
  const { root } = new Saving(page);
  root.querySelector("button")?.click();
  store.set({ marked: Uint32Array.of(1) });
  ids.resolve(await bytes());
  await settled();
  expect(made).not.toHaveBeenCalled();
  root.querySelector("button")?.click();
  await settled();
  expect([made.mock.calls.length, root.querySelector("[role=status]")?.textContent]).toEqual([1, "Saved."]);
  store.set({ marked: Uint32Array.of(2) });
  expect(root.querySelector("[role=status]")?.textContent).toBe("");
});
