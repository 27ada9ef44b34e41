// A service that answers from memory, and a page over it without a map.

import { vi } from "vitest";
import type { Api } from "../src/api";
import { ApiError } from "../src/connection";
import { Corpus } from "../src/data/corpus";
import type { ServiceInfo } from "../src/messages";
import { Notices } from "../src/panels/notices";
import type { Page } from "../src/panels/page";
import { INITIAL, type State, Store } from "../src/state";

export const NUM_POINTS = 40;
export const SNAPSHOT = "00000000000000ab";
export const SERVICE: ServiceInfo = {
  version: "1",
  chat_url: null,
  scope: "open",
  limits: { ids: 100, texts: 2, text_chars: 50, results: 100 },
  snapshot_id: SNAPSHOT,
};

/** An Api of one snapshot of 40 prompts; `changes` are routes that answer otherwise. */
export function fakeApi(changes: Partial<Record<keyof Api, unknown>> = {}): Api {
  const meta = {
    snapshot_id: SNAPSHOT,
    num_points: NUM_POINTS,
    level_ends: [5, 10, 20, NUM_POINTS],
    chunk_rows: 16,
    cluster_label_bytes: 2,
    sources: [{ code: 1, name: "hh", size: NUM_POINTS }],
    clusters: [],
  };
  const fake = {
    meta: async (snapshot: string | null) => ({ ...meta, snapshot_id: snapshot ?? SNAPSHOT }),
    points: async (snapshot: string | null) => pointsAnswer(cloudPieces(), snapshot ?? SNAPSHOT),
    bytes: async () => new ArrayBuffer(4 * NUM_POINTS),
    previews: async (_: string, chunk: number) => {
      const numbers = Array.from({ length: 16 }, (_, row) => 16 * chunk + row);
      return { first_point: 16 * chunk, ids: numbers.map(String), previews: numbers.map((number) => `text ${number}`) };
    },
    snapshots: async () => [],
    lost: () => new ApiError(null, "The service does not answer."),
    ...changes,
  };
  return fake as unknown as Api;
}

/** The bytes of a cloud whose density percentiles are all 51 of 255, in pieces of 60. */
export function cloudPieces(): Uint8Array[] {
  const bytes = new Uint8Array(32 + 8 * NUM_POINTS);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("KATP"));
  view.setUint16(4, 1, true);
  view.setUint16(6, 8, true);
  view.setUint32(8, NUM_POINTS, true);
  for (let point = 0; point < NUM_POINTS; point++) view.setUint16(32 + 8 * point + 6, 1 | (51 << 8), true);
  return Array.from({ length: Math.ceil(bytes.length / 60) }, (_, piece) => bytes.slice(60 * piece, 60 * piece + 60));
}

/** An answer with these pieces; an Error among them breaks it off, a promise holds it up. */
export function pointsAnswer(
  pieces: readonly (Uint8Array | Error | Promise<Uint8Array>)[],
  snapshot = SNAPSHOT,
): Response {
  const rest = [...pieces];
  const body = new ReadableStream({
    pull: async (stream) => {
      const piece = await rest.shift();
      if (piece === undefined) stream.close();
      else if (piece instanceof Error) stream.error(piece);
      else stream.enqueue(piece);
    },
  });
  return new Response(body, { headers: { "X-Snapshot-Id": snapshot } });
}

/** A page whose snapshot is there. */
export async function fakePage(api: Api = fakeApi(), state: Partial<State> = {}) {
  const corpus = await Corpus.load(api, null, () => undefined);
  await corpus.complete;
  const store = new Store({ ...INITIAL, corpus, loaded: corpus.cloud.loaded, ...state });
  const view = { covered: { right: 0, bottom: 0 } };
  const stage = {
    view,
    frame: vi.fn(),
    closer: vi.fn(),
    setPose: vi.fn(),
    crosshair: null as object | null,
    focus: vi.fn(),
  };
  const page = { store, api, stage, notices: new Notices(), findSimilar: vi.fn() };
  return { page: page as unknown as Page, store, stage, corpus };
}

/** A promise to be resolved by hand. */
export function later<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<Value>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
}

/** When all that waits for nothing but other promises is done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve));
}
