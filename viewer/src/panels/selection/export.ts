// Marked prompts as files: ids by line, or JSON by line.

import type { Api } from "../../api";
import type { Corpus } from "../../data/corpus";
import type { Texts } from "../../messages";

/** Requests under way at once: more of them wait for each other in the service. */
const AT_ONCE = 3;
/** Signs that some readers of lines take for the end of one, and that JSON leaves as they are. */
const OTHER_ENDS = /[\u0085\u2028\u2029]/g;

/** An id of 64 bits as it is written everywhere. */
export function written(id: bigint): string {
  return id.toString(16).padStart(16, "0");
}

export async function idLines(corpus: Corpus, points: Uint32Array): Promise<string> {
  const ids = await corpus.ids();
  return Array.from(points, (point) => `${written(ids[point])}\n`).join("");
}

/** One object a line, in parts that make the file together: id, whole text, source, density percentile, and the weight
 * as a multiple of the average. At most `most` prompts are asked for at once; `onProgress` hears how many are there.
 * The first part that does not come ends the others, too.
 */
export async function jsonLines(
  api: Api,
  corpus: Corpus,
  points: Uint32Array,
  most: number,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<string[]> {
  const ids = await corpus.ids();
  const parts: string[] = new Array(Math.ceil(points.length / most));
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  let done = 0;
  const work = async (at: number) => {
    const names = Array.from(points.subarray(at * most, (at + 1) * most), (point) => written(ids[point]));
    parts[at] = lines(await api.texts(names, corpus.snapshotId, either));
    either.throwIfAborted();
    done += names.length;
    onProgress(done);
  };
  await inTurn(parts.length, work).finally(() => stop.abort());
  return parts;
}

/** Offers a file to be saved. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function lines({ prompts }: Texts): string {
  const made = prompts.map(({ id, text, source, density_percentile: density, loss_weight: weight }) =>
    JSON.stringify({ id, text, source, density, weight }),
  );
  return made.map((line) => `${line.replace(OTHER_ENDS, escaped)}\n`).join("");
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Works off so many parts, some at once; after a failure none is begun. */
async function inTurn(numParts: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const go = async () => {
    while (next < numParts) {
      await work(next++).catch((error) => {
        next = numParts;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, go));
}
