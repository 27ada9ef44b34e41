// Reads texts that are to be placed on the map: what a file or a field holds, line by line.

import type { Corpus } from "../../data/corpus";

/** Texts beyond these are left out. */
export const MOST_TEXTS = 2_000;

/** A text, and the id of the prompt that it belongs to where its row names one. */
export interface Row {
  readonly text: string;
  readonly id: string | null;
}

const ID = /^[0-9a-f]{16}$/;
const TEXT_NAMES = ["text", "output", "response", "completion", "preview", "prompt"];
const ID_NAMES = ["id", "prompt_id", "prompt"];

/** The texts of a file: lines of JSON with a text of some usual name, or plain lines. */
export function textsOf(content: string, mostChars: number): { rows: Row[]; numLeftOut: number } {
  const lines = content.split(/\r?\n/u).filter((line) => line.trim() !== "");
  const all = lines.map(rowOf).filter(({ text }) => text !== "");
  const rows = all.filter(({ text }) => [...text].length <= mostChars).slice(0, MOST_TEXTS);
  return { rows, numLeftOut: all.length - rows.length };
}

/** The points of the rows' own prompts, null where there is none on the map. */
export async function ownPoints(corpus: Corpus, rows: readonly Row[]): Promise<(number | null)[]> {
  const known = new Map<bigint, number>();
  const wanted = new Set(rows.flatMap(({ id }) => (id === null ? [] : [number(id)])));
  if (wanted.size > 0) {
    const ids = (await corpus.ids()).subarray(0, corpus.cloud.numPoints);
    ids.forEach((id, point) => {
      if (wanted.has(id)) known.set(id, point);
    });
  }
  return rows.map(({ id }) => (id === null ? null : (known.get(number(id)) ?? null)));
}

function number(id: string): bigint {
  return BigInt(`0x${id}`);
}

function rowOf(line: string): Row {
  const plain = { text: line.trim(), id: null };
  if (!/^\s*[{"]/u.test(line)) return plain;
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "string") return { text: value.trim(), id: null };
    const fields = value as Record<string, unknown>;
    const first = (names: readonly string[], isId: boolean) =>
      names
        .map((name) => fields[name])
        .find((field): field is string => typeof field === "string" && ID.test(field) === isId);
    const [text, id] = [first(TEXT_NAMES, false), first(ID_NAMES, true) ?? null];
    return text === undefined ? plain : { text: text.trim(), id };
  } catch {
    return plain;
  }
}
