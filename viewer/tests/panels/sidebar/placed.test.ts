// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Placed } from "../../../src/panels/sidebar/placed";
import { fakeApi, fakePage, later, NUM_POINTS, SERVICE, settled } from "../../service";

const place = {
  x: 0,
  y: 0.5,
  z: 1,
  density_percentile: 0.2,
  truncated: false,
  neighbors: [{ id: "4", distance: 0.5 }],
};
const project = async (texts: string[]) => texts.map(() => place);
const ids = async () => BigUint64Array.from({ length: NUM_POINTS }, (_, point) => BigInt(point)).buffer;

async function placing(routes: Record<string, unknown> = {}) {
  const api = fakeApi({ project, bytes: ids, ...routes });
  const { page, store } = await fakePage(api, { service: SERVICE });
  const { root } = new Placed(page);
  const drop = async (...files: File[]) => {
    root.dispatchEvent(Object.assign(new Event("drop"), { dataTransfer: { files } }));
    await settled();
  };
  return { root, store, drop };
}

const line = (id: number, text: string) => `${JSON.stringify({ id: id.toString(16).padStart(16, "0"), text })}\n`;
const file = (name: string, content: string) => new File([content], name);

test("a second file stands beside the first, each text linked to its own prompt", async () => {
  const { root, store, drop } = await placing();
  await drop(file("before.jsonl", line(3, "a") + line(99, "b") + line(5, "c")), file("after.jsonl", line(3, "d")));
  const of = store.state.placed.map(({ text, set, point }) => [text, set, point]);
  const before = [
    ["a", 0, 3],
    ["b", 0, null],
    ["c", 0, 5],
  ];
  expect(of).toEqual([...before, ["d", 1, 3]]);
  const heads = [...root.querySelectorAll("h3")].map((head) => head.textContent);
  expect(heads).toEqual(["before.jsonl 3", "after.jsonl 1"]);
  await drop(file("later.txt", "e"));
  expect(store.state.placed.map(({ text }) => text)).toEqual(["a", "b", "c", "e"]);
  [...root.querySelectorAll("button")].find((button) => button.textContent === "Its own prompt")?.click();
  expect(store.state.selected).toBe(3);
});

test("texts that were asked of another snapshot are not put on this one's map", async () => {
  const late = later<unknown>();
  const { root, store, drop } = await placing({ project: () => late.promise });
  await drop(file("before.txt", "a"));
  expect(root.querySelector("[role=status]")?.textContent).toBe("0 of 1 text…");
  store.set({ corpus: (await fakePage()).corpus });
  late.resolve([place]);
  await settled();
  expect([store.state.placed, root.querySelector("[role=status]")?.textContent]).toEqual([[], ""]);
});
