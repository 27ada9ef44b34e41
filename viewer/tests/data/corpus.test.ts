import { expect, test } from "vitest";
import type { Api } from "../../src/api";
import { Corpus } from "../../src/data/corpus";

const NUM_POINTS = 40;

/** An Api that answers from here, points in pieces of 60 bytes. */
function fakeApi(calls: string[], missing = 0): Api {
  const bytes = new Uint8Array(32 + 8 * NUM_POINTS);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("KATP"));
  view.setUint16(4, 1, true);
  view.setUint16(6, 8, true);
  view.setUint32(8, NUM_POINTS, true);
  for (let point = 0; point < NUM_POINTS; point++) view.setUint16(32 + 8 * point + 6, 1 | (51 << 8), true);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length - missing; start += 60) pieces.push(bytes.slice(start, start + 60));
  const meta = {
    snapshot_id: "00000000000000ab",
    num_points: NUM_POINTS,
    level_ends: [5, 10, 20, NUM_POINTS],
    chunk_rows: 16,
    cluster_label_bytes: 2,
    sources: [{ code: 1, name: "hh", size: NUM_POINTS }],
  };
  const fake = {
    meta: async () => meta,
    points: async () =>
      new Response(
        new ReadableStream({
          pull: (stream) => {
            const piece = pieces.shift();
            if (piece === undefined) stream.close();
            else stream.enqueue(piece);
          },
        }),
        { headers: { "X-Snapshot-Id": meta.snapshot_id } },
      ),
    bytes: async (path: string) => {
      calls.push(path);
      return new ArrayBuffer(4 * NUM_POINTS);
    },
    previews: async (_: string, chunk: number) => {
      calls.push(`chunk ${chunk}`);
      const numbers = Array.from({ length: 16 }, (_, row) => 16 * chunk + row);
      return { first_point: 16 * chunk, ids: numbers.map(String), previews: numbers.map((number) => `text ${number}`) };
    },
  };
  return fake as unknown as Api;
}

test("a corpus is there with its first level, and tells of the later ones", async () => {
  let levels = 0;
  const corpus = await Corpus.load(fakeApi([]), null, () => levels++);
  expect(corpus.cloud.loaded).toBeGreaterThanOrEqual(5);
  expect(corpus.cloud.loaded).toBeLessThan(NUM_POINTS);
  await corpus.complete;
  expect(corpus.cloud.loaded).toBe(NUM_POINTS);
  expect(levels).toBe(2);
  expect([corpus.snapshotId, corpus.sourceName(0), corpus.densityPercentile(39)]).toEqual([
    "00000000000000ab",
    "hh",
    0.2,
  ]);
});

test("points that stop coming are an error, not a smaller map", async () => {
  const corpus = await Corpus.load(fakeApi([], 120), null, () => undefined);
  await expect(corpus.complete).rejects.toThrow("The point cloud ended");
});

test("texts are asked for by chunk, each once", async () => {
  const calls: string[] = [];
  const corpus = await Corpus.load(fakeApi(calls), null, () => undefined);
  expect(corpus.previewNow(17)).toBe(null);
  const [first, second] = await Promise.all([corpus.preview(17), corpus.preview(30)]);
  expect([first, second]).toEqual([
    { id: "17", text: "text 17" },
    { id: "30", text: "text 30" },
  ]);
  expect(corpus.previewNow(16)?.text).toBe("text 16");
  expect(calls).toEqual(["chunk 1"]);
});

test("a column is asked for once, and has to fit", async () => {
  const calls: string[] = [];
  const corpus = await Corpus.load(fakeApi(calls), null, () => undefined);
  expect(await corpus.weights()).toBe(await corpus.weights());
  expect(corpus.weightsNow).toBe(await corpus.weights());
  expect(calls).toEqual(["/v1/points/weights"]);
  await expect(corpus.clusters()).rejects.toThrow("160 bytes, not 80");
});
