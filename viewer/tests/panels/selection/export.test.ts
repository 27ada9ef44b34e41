// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { ApiError } from "../../../src/connection";
import { jsonLines } from "../../../src/panels/selection/export";
import { fakeApi, fakePage, later, NUM_POINTS, settled } from "../../service";

const bytes = async () => BigUint64Array.from({ length: NUM_POINTS }, (_, point) => BigInt(point)).buffer;
const points = Uint32Array.from({ length: NUM_POINTS }, (_, point) => point);

function answered(ids: readonly string[]) {
  const prompts = ids.map((id) => ({ id, text: `whole ${id}`, source: "pku", density_percentile: 0.123456789 }));
  return { prompts: prompts.map((prompt) => ({ ...prompt, point: 0, weight: 0.001, loss_weight: 1.25 })), missing: [] };
}

test("prompts are exported with their own numbers, in the order of the map, by a few requests", async () => {
  const texts = vi.fn(async (ids: readonly string[]) => answered(ids));
  const { page, corpus } = await fakePage(fakeApi({ bytes, texts }));
  const told: number[] = [];
  const parts = await jsonLines(page.api, corpus, points, 16, (done) => told.push(done));
  const lines = parts.join("").trimEnd().split("\n");
  expect(lines.map((line) => Number.parseInt(JSON.parse(line).id, 16))).toEqual([...points]);
  const expected = { text: `whole ${"0".repeat(15)}b`, source: "pku", density: 0.123456789, weight: 1.25 };
  expect(JSON.parse(lines[11])).toEqual({ id: `${"0".repeat(15)}b`, ...expected });
  expect(texts).toHaveBeenCalledTimes(Math.ceil(NUM_POINTS / 16));
  expect(told.at(-1)).toBe(NUM_POINTS);
});

test("the first part that does not come ends the export, and nothing is asked for or told after that", async () => {
  let asked = 0;
  const held = later<unknown>();
  const texts = async (ids: readonly string[]) => {
    if (++asked === 4) throw new ApiError(null, "away");
    return asked === 3 ? held.promise : answered(ids);
  };
  const { page, corpus } = await fakePage(fakeApi({ bytes, texts }));
  const told = vi.fn();
  await expect(jsonLines(page.api, corpus, points, 2, told)).rejects.toMatchObject({ status: null });
  const before = [asked, told.mock.calls.length];
  held.resolve(answered(["b"]));
  await settled();
  expect([asked, told.mock.calls.length]).toEqual(before);
  expect(asked).toBeLessThan(NUM_POINTS / 2);
});
