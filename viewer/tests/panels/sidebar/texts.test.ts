import { expect, test } from "vitest";
import type { Corpus } from "../../../src/data/corpus";
import { ownPoints, textsOf } from "../../../src/panels/sidebar/texts";

const ID = "00000000000000ff";

test("a text comes with the id of its prompt, whatever the row calls them", () => {
  const lines = [
    { id: ID, text: "one" },
    { prompt_id: ID, output: "two" },
    { prompt: ID, response: "three" },
    { prompt: "asked", output: "four" },
    { id: "row 5", prompt: "five" },
    "six",
  ].map((row) => JSON.stringify(row));
  expect(textsOf([...lines, "seven", "{ eight"].join("\n"), 50).rows).toEqual([
    ...["one", "two", "three"].map((text) => ({ text, id: ID })),
    ...["four", "five", "six", "seven", "{ eight"].map((text) => ({ text, id: null })),
  ]);
});

test("texts that are too long, and those beyond the most, are counted", () => {
  const { rows, numLeftOut } = textsOf(`${"x".repeat(51)}\n${"short\n".repeat(2_001)}`, 50);
  expect([rows.length, numLeftOut]).toEqual([2_000, 2]);
});

test("ids are points of the map, or none", async () => {
  const ids = async () => BigUint64Array.of(1n, 255n, 7n);
  const corpus = { ids, cloud: { numPoints: 2 } } as unknown as Corpus;
  const rows = [ID, "0000000000000007", "0000000000000009", null].map((id) => ({ text: "", id }));
  expect(await ownPoints(corpus, rows)).toEqual([1, null, null, null]);
});
