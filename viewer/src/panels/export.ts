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
  const lines = await inTurn(
    points,
    async (point) => {
      const [id, weight] = [written(ids[point]), Number(weights[point].toPrecision(6))];
      return JSON.stringify({ id, ...(await (isWhole ? whole(api, corpus, id) : beginning(corpus, point))), weight });
    },
    onProgress,
  );
  return lines.map((line) => `${line}\n`).join("");
}

async function whole(api: Api, corpus: Corpus, id: string) {
  const { text, source, density_percentile: density } = await api.prompt(id, corpus.snapshotId);
  return { text, source, density };
}

/** What the map has of a prompt: its density percentile in steps of 1/255. */
async function beginning(corpus: Corpus, point: number) {
  const { text: preview } = await corpus.preview(point);
  return { preview, source: corpus.sourceName(point), density: Number(corpus.densityPercentile(point).toFixed(4)) };
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
  let [next, done, isStopped] = [0, 0, false];
  const work = async () => {
    while (next < points.length && !isStopped) {
      const at = next++;
      lines[at] = await make(points[at]).catch((error) => {
        isStopped = true;
        throw error;
      });
      if (!isStopped) onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return lines;
}
