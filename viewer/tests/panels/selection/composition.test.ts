// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Corpus } from "../../../src/data/corpus";
import { composition } from "../../../src/panels/selection/composition";
import { fakeApi, NUM_POINTS, pointsAnswer } from "../../service";

const all = Uint32Array.from({ length: NUM_POINTS }, (_, point) => point);

/** A snapshot whose points belong to so many sources in turn. */
async function mixed(numSources: number): Promise<Corpus> {
  const bytes = new Uint8Array(32 + 8 * NUM_POINTS);
  bytes.set([...new TextEncoder().encode("KATP"), 1, 0, 8, 0, NUM_POINTS]);
  for (const point of all) bytes[32 + 8 * point + 6] = point % numSources;
  return await Corpus.load(fakeApi({ points: async () => pointsAnswer([bytes]) }), null, () => undefined);
}

test("a few sources are all listed, of many the small ones are folded away with their sum", async () => {
  const few = composition(await mixed(7), all);
  expect(few.map((part) => part.querySelectorAll("li").length)).toEqual([7]);
  const [list, rest] = composition(await mixed(8), all);
  expect(list.children).toHaveLength(6);
  expect(rest.querySelector("summary")?.textContent).toBe("2 more sources10 · 25 %");
  expect(rest.querySelectorAll("li")).toHaveLength(2);
});
