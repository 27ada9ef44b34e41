// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { Search } from "../../../src/panels/sidebar/search";
import { fakeApi, fakePage, later, NUM_POINTS, settled } from "../../service";

const hit = (point: number) => ({
  id: "0",
  preview: "text",
  source: "hh",
  density_percentile: 0,
  distance: null,
  point,
});
const found = { snapshot_id: "", mode: "meaning", total: null, results: [hit(4), hit(NUM_POINTS), hit(2)] };

async function searched(answers: Promise<unknown>[]) {
  const parts = await fakePage(fakeApi({ search: () => answers.shift() }));
  const search = new Search(parts.page);
  search.findSimilar({ id: "9", text: "text" });
  await settled();
  const mark = [...search.root.querySelectorAll("button")].find((button) => button.textContent?.startsWith("Mark all"));
  return { ...parts, mark: mark as HTMLElement };
}

test("what is found is marked as far as the map has it", async () => {
  const { mark, store, stage } = await searched([Promise.resolve(found), Promise.resolve(found)]);
  mark.click();
  await settled();
  expect(Array.from(store.state.marked ?? [])).toEqual([2, 4]);
  expect(stage.frame.mock.calls[0]?.[0]).toEqual([4, 2]);
});

test("points of one snapshot are not marked on the map of another", async () => {
  const late = later<unknown>();
  const { mark, store } = await searched([Promise.resolve(found), late.promise, Promise.resolve(found)]);
  mark.click();
  store.set({ corpus: (await fakePage()).corpus });
  late.resolve(found);
  await settled();
  expect(store.state.marked).toBe(null);
});

test("what is like a prompt is not the prompt itself, and it is said which of it stands under the prompt, too", async () => {
  const asked: unknown[][] = [];
  const results = [
    { ...hit(7), id: "7" },
    { ...hit(4), id: "4" },
    { ...hit(2), id: "2" },
  ];
  const search = async (...question: unknown[]) => {
    asked.push(question);
    return { ...found, results };
  };
  const { page } = await fakePage(fakeApi({ search }), { selected: 7, neighbors: [4, 11] });
  const panel = new Search(page);
  panel.findSimilar({ id: "7", text: "text" });
  await settled();
  expect(asked[0].slice(0, 3)).toEqual(["text", "meaning", 51]);
  expect(panel.root.querySelectorAll(".brief")).toHaveLength(2);
  expect(panel.root.querySelector("[role=status]")?.textContent).toContain(
    "2 nearest in meaning, 1 of them its nearest",
  );
  const meaning = panel.root.querySelector("#by-meaning") as HTMLInputElement;
  meaning.dispatchEvent(new Event("change"));
  await settled();
  expect(panel.root.querySelectorAll(".brief"), "a text of the reader's own leaves nothing out").toHaveLength(3);
});

test("a search for what is like a prompt shows where its results come", async () => {
  const { page } = await fakePage(fakeApi({ search: async () => found }));
  const search = new Search(page);
  search.onSimilar = vi.fn();
  search.findSimilar({ id: "9", text: "text" });
  expect(search.onSimilar).toHaveBeenCalledOnce();
});

test("a text of several lines is searched for with its words apart, and cut between its signs", async () => {
  const asked = vi.fn(async () => found);
  const search = new Search((await fakePage(fakeApi({ search: asked }))).page);
  search.findSimilar({ id: "9", text: "one\ntwo\r\n\tthree" });
  expect(asked).toHaveBeenLastCalledWith("one two three", ...Array(4).fill(expect.anything()));
  const long = "\u{1f600}".repeat(1_001);
  search.findSimilar({ id: "9", text: `a${long}` });
  expect(asked).toHaveBeenLastCalledWith(`a${long.slice(0, 2 * 999)}`, ...Array(4).fill(expect.anything()));
});

test("what is marked is what the list shows, whatever was typed since, and another search ends it", async () => {
  const late = later<unknown>();
  const answers: Promise<unknown>[] = [Promise.resolve(found), late.promise, Promise.resolve(found)];
  const asked = vi.fn((..._: unknown[]) => answers.shift());
  const { page, store } = await fakePage(fakeApi({ search: asked }));
  const { root } = new Search(page);
  const field = root.querySelector("#search") as HTMLInputElement;
  const submit = () => root.querySelector("form")?.dispatchEvent(new Event("submit"));
  field.value = "first";
  submit();
  await settled();
  field.value = "second";
  root.querySelector<HTMLElement>("[role=status] button")?.click();
  expect(asked.mock.calls[1].slice(0, 2)).toEqual(["first", "substring"]);
  submit();
  late.resolve(found);
  await settled();
  expect((asked.mock.calls[1][4] as AbortSignal).aborted).toBe(true);
  expect(store.state.marked).toBe(null);
});
