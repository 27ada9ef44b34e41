// Marked prompts as files: ids by line, or JSON by line.

import type { Api } from "../api";
import type { Corpus } from "../data/corpus";

/** Up to so many prompts are exported with their whole texts, which are asked for one by one. */
export const MOST_WHOLE_TEXTS = 1_000;

const AT_ONCE = 8;

/** An id of 64 bits as it is written everywhere. */
export function written(id: bigint): string {
  return id.toString(16).padStart(16, "0");
}

export async function idLines(corpus: Corpus, points: Uint32Array): Promise<string> {
  const ids = await corpus.ids();
  return Array.from(points, (point) => `${written(ids[point])}\n`).join("");
}

/** One object a line: id, text (or its beginning as `preview` when there are many), source, density percentile, and the
 * weight as a multiple of the average. `onProgress` hears how many texts are there.
 */
export async function jsonLines(
  api: Api,
  corpus: Corpus,
  points: Uint32Array,
  onProgress: (done: number) => void,
): Promise<string> {
  const [weights, ids] = await Promise.all([corpus.weights(), corpus.ids()]);
  const isWhole = points.length <= MOST_WHOLE_TEXTS;
  const text = async (point: number) =>
    isWhole
      ? { text: (await api.prompt(written(ids[point]), corpus.snapshotId)).text }
      : { preview: (await corpus.preview(point)).text };
  const lines = await inTurn(
    points,
    async (point) => {
      const source = corpus.sourceName(point);
      const density = Number(corpus.densityPercentile(point).toFixed(4));
      const weight = Number(weights[point].toPrecision(6));
      return JSON.stringify({ id: written(ids[point]), ...(await text(point)), source, density, weight });
    },
    onProgress,
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** Offers a file to be saved. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function inTurn(
  points: Uint32Array,
  make: (point: number) => Promise<string>,
  onProgress: (done: number) => void,
): Promise<string[]> {
  const lines: string[] = new Array(points.length);
  let [next, done] = [0, 0];
  const work = async () => {
    while (next < points.length) {
      const at = next++;
      lines[at] = await make(points[at]);
      onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return lines;
}
