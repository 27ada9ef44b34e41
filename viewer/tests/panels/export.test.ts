// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { ApiError } from "../../src/api";
import { jsonLines } from "../../src/panels/export";
import { fakeApi, fakePage, NUM_POINTS, settled } from "../service";

const bytes = async (path: string) => new ArrayBuffer((path.endsWith("ids") ? 8 : 4) * NUM_POINTS);
const points = Uint32Array.from({ length: NUM_POINTS }, (_, point) => point);

test("a prompt is exported with its own numbers, not with those of the map", async () => {
  const prompt = async () => ({ text: "whole", source: "pku", density_percentile: 0.123456789 });
  const { page, corpus } = await fakePage(fakeApi({ bytes, prompt }));
  const lines = await jsonLines(page.api, corpus, points.subarray(0, 1), () => undefined);
  const expected = { id: "0".repeat(16), text: "whole", source: "pku", density: 0.123456789, weight: 0 };
  expect(JSON.parse(lines)).toEqual(expected);
});

test("the first text that does not come ends the export, and nothing is asked for or told after that", async () => {
  let asked = 0;
  const prompt = async () => {
    if (++asked === 3) throw new ApiError(null, "away");
    return { text: "whole", source: "hh", density_percentile: 0 };
  };
  const { page, corpus } = await fakePage(fakeApi({ bytes, prompt }));
  const told = vi.fn();
  await expect(jsonLines(page.api, corpus, points, told)).rejects.toMatchObject({ status: null });
  const before = [asked, told.mock.calls.length];
  await settled();
  expect([asked, told.mock.calls.length]).toEqual(before);
  expect(asked).toBeLessThan(NUM_POINTS);
});
