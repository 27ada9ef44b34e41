import { expect, test, vi } from "vitest";
import { Corpus } from "../../src/data/corpus";
import { cloudPieces, fakeApi, later, NUM_POINTS, pointsAnswer } from "../service";

test("a corpus is there with its first level, and tells when it is whole", async () => {
  const told: number[] = [];
  const corpus: Corpus = await Corpus.load(fakeApi(), null, () => told.push(corpus.cloud.loaded));
  expect(corpus.cloud.loaded).toBeGreaterThanOrEqual(5);
  expect(corpus.cloud.loaded).toBeLessThan(NUM_POINTS);
  await corpus.complete;
  expect(corpus.cloud.loaded).toBe(NUM_POINTS);
  expect(told).toEqual([NUM_POINTS]);
  expect([corpus.snapshotId, corpus.sourceName(0), corpus.densityPercentile(39)]).toEqual([
    "00000000000000ab",
    "hh",
    0.2,
  ]);
});

test("while points come slowly it tells of more of them now and then", async () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  const slow = (piece: Uint8Array, place: number) => ({
    // biome-ignore lint/suspicious/noThenProperty: it is taken only when the reader asks for it
    then: (take: (piece: Uint8Array) => void) => {
      clock.mockReturnValue(150 * place);
      take(piece);
    },
  });
  const told: number[] = [];
  const points = async () => pointsAnswer(cloudPieces().map(slow) as unknown as Promise<Uint8Array>[]);
  const corpus: Corpus = await Corpus.load(fakeApi({ points }), null, () => told.push(corpus.cloud.loaded));
  await corpus.complete;
  clock.mockRestore();
  expect(told.length).toBeGreaterThan(1);
  expect(told.length).toBeLessThan(cloudPieces().length);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBe(NUM_POINTS);
});

test("points that stop coming are an error, not a smaller map", async () => {
  const points = async () => pointsAnswer(cloudPieces().slice(0, -2));
  const corpus = await Corpus.load(fakeApi({ points }), null, () => undefined);
  await expect(corpus.complete).rejects.toThrow("The point cloud ended");
});

test("texts are asked for by chunk, each once", async () => {
  const previews = vi.fn(fakeApi().previews);
  const corpus = await Corpus.load(fakeApi({ previews }), null, () => undefined);
  expect(corpus.previewNow(17)).toBe(null);
  const [first, second] = await Promise.all([corpus.preview(17), corpus.preview(30)]);
  expect([first, second]).toEqual([
    { id: "17", text: "text 17" },
    { id: "30", text: "text 30" },
  ]);
  expect(corpus.previewNow(16)?.text).toBe("text 16");
  expect(previews.mock.calls).toEqual([[corpus.snapshotId, 1]]);
});

test("a column is asked for once, and has to fit", async () => {
  const bytes = vi.fn(fakeApi().bytes);
  const corpus = await Corpus.load(fakeApi({ bytes }), null, () => undefined);
  expect(await corpus.weights()).toBe(await corpus.weights());
  expect(corpus.weightsNow).toBe(await corpus.weights());
  expect(bytes.mock.calls).toEqual([["/v1/points/weights", corpus.snapshotId]]);
  await expect(corpus.clusters()).rejects.toThrow("160 bytes, not 80");
});

test("points that break off are an outage, which is told", async () => {
  const points = async () => pointsAnswer([...cloudPieces().slice(0, 3), new TypeError("network error")]);
  const lost = vi.fn(fakeApi().lost);
  const corpus = await Corpus.load(fakeApi({ points, lost }), null, () => undefined);
  await expect(corpus.complete).rejects.toMatchObject({ status: null });
  expect(lost).toHaveBeenCalledOnce();
});

test("a load that nobody wants any more ends, also between two levels, and is no outage", async () => {
  const [stop, rest] = [new AbortController(), later<Uint8Array>()];
  const points = async () => pointsAnswer([...cloudPieces().slice(0, 3), rest.promise]);
  const lost = vi.fn();
  const corpus = await Corpus.load(fakeApi({ points, lost }), null, () => undefined, stop.signal);
  stop.abort();
  rest.resolve(cloudPieces()[3]);
  await expect(corpus.complete).rejects.toMatchObject({ name: "AbortError" });
  expect(corpus.cloud.loaded).toBeLessThan(NUM_POINTS);
  expect(lost).not.toHaveBeenCalled();
});
