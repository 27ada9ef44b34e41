import { expect, test, vi } from "vitest";
import type { Comparison } from "../../src/data/comparison";
import { NOT_SHARED } from "../../src/data/comparison";
import type { Corpus } from "../../src/data/corpus";
import { COMPARISON_CODES, comparisonPalette, Scene } from "../../src/draw/scene";
import { FAINT } from "../../src/space/disc";
import { css } from "../../src/space/palette";
import { INITIAL, type State } from "../../src/state";
import { randomCloud } from "../clouds";

const NUM_POINTS = 200;
const cloud = randomCloud(NUM_POINTS, 5);

function fakeCorpus(weights: Float32Array | null = null): Corpus {
  const fake = {
    cloud,
    numPoints: NUM_POINTS,
    meta: { sources: [] },
    clustersNow: null,
    weightsNow: weights,
    weights: async () => {
      await Promise.resolve();
      fake.weightsNow = Float32Array.from({ length: NUM_POINTS }, (_, point) => (point < 20 ? 9 : 0.01));
      return fake.weightsNow;
    },
    clusters: () => Promise.reject(new Error("no labels")),
  };
  return fake as unknown as Corpus;
}

function isFaint(code: number): boolean {
  return code >> 8 >= FAINT;
}

/** A scene that follows states as the stage makes it. */
class Follower {
  readonly scene: Scene;
  state: State = INITIAL;
  readonly told: (string | null)[] = [];

  constructor(corpus = fakeCorpus(), onColumn: () => void = () => undefined) {
    this.scene = new Scene(onColumn, (sentence) => this.told.push(sentence));
    this.set({ corpus, loaded: NUM_POINTS });
  }

  set(change: Partial<State>): boolean {
    const before = this.state;
    this.state = { ...before, ...change };
    return this.scene.update(this.state, before, true);
  }

  get codes(): Uint16Array {
    return this.scene.own?.codes ?? new Uint16Array(0);
  }
}

test("a filter takes points away and gives them back; what does not change looks is no change", () => {
  const shown = new Follower();
  expect(shown.scene.own?.count).toBe(NUM_POINTS);
  expect(shown.set({ filter: { ...INITIAL.filter, hiddenSources: new Set([2]) } })).toBe(true);
  const left = Array.from({ length: NUM_POINTS }, (_, point) => point).filter(
    (point) => (cloud.values[4 * point + 3] & 255) !== 2,
  );
  expect([...(shown.scene.own?.indices.subarray(0, shown.scene.own.count) ?? [])]).toEqual(left);
  expect(shown.set({ hovered: 3, selected: 4, showLabels: false })).toBe(false);
  shown.set({ filter: INITIAL.filter });
  expect(shown.scene.own?.count).toBe(NUM_POINTS);
});

test("marked points stand out, and none do when nothing is marked", () => {
  const shown = new Follower();
  expect(shown.codes.some(isFaint)).toBe(false);
  shown.set({ marked: Uint32Array.of(0, 7) });
  shown.codes.forEach((code, point) => {
    expect(isFaint(code)).toBe(point !== 0 && point !== 7);
  });
  shown.set({ marked: null });
  expect(shown.codes.some(isFaint)).toBe(false);
});

test("only layers that are drawn are kept", () => {
  const shown = new Follower();
  expect(shown.scene.layers).toEqual([shown.scene.own]);
  const other = randomCloud(20, 9);
  const comparison = {
    snapshotId: "b".repeat(16),
    cloud: other,
    same: new Uint32Array(20).fill(NOT_SHARED),
    numShared: 0,
    ratios: new Int8Array(NUM_POINTS),
  };
  shown.set({ mode: "compare", comparison });
  expect(shown.scene.layers).toEqual([shown.scene.other, shown.scene.own]);
  expect(shown.scene.total).toBe(NUM_POINTS + 20);
  shown.set({ corpus: fakeCorpus(), mode: "explore", comparison: null });
  expect(shown.scene.layers).toEqual([shown.scene.own]);
});

test("colours that lack a column ask for it, are neutral until it is there, and then tell", async () => {
  const onColumn = vi.fn();
  const shown = new Follower(fakeCorpus(), onColumn);
  shown.set({ colorBy: "weight" });
  expect(shown.codes.every((code) => (code & 255) === 128)).toBe(true);
  await vi.waitFor(() => expect(onColumn).toHaveBeenCalledTimes(1));
  shown.scene.encode(shown.state, true);
  expect(shown.codes[0] & 255).toBeGreaterThan(128);
  expect(shown.codes[50] & 255).toBeLessThan(128);
});

test("a column that does not come leaves neutral colours, and people hear of it", async () => {
  const shown = new Follower();
  shown.set({ colorBy: "cluster" });
  await vi.waitFor(() => expect(shown.told).toEqual([expect.stringContaining("did not arrive")]));
  expect(shown.codes.every((code) => (code & 255) === 128)).toBe(true);
});

test("a column that did not come is asked for again when the service is back, and not once it is there", async () => {
  const corpus = fakeCorpus();
  const clusters = vi.fn(corpus.clusters);
  const shown = new Follower(Object.assign(corpus, { clusters }));
  shown.set({ colorBy: "cluster" });
  await vi.waitFor(() => expect(shown.told).toHaveLength(1));
  clusters.mockImplementation(async () => new Uint16Array(NUM_POINTS));
  shown.set({ returns: 1 });
  await vi.waitFor(() => expect(shown.told.at(-1)).toBe(null));
  shown.set({ returns: 2 });
  expect(clusters).toHaveBeenCalledTimes(2);
});

test("in the sampling view what is drawn stands out, and other strengths draw others", () => {
  const weights = Float32Array.from({ length: NUM_POINTS }, (_, point) => (point < 20 ? 9 : 0.01));
  const shown = new Follower(fakeCorpus(weights));
  shown.set({ mode: "sampling", drawShare: 0.1 });
  const drawn = () => [...shown.codes.keys()].filter((point) => !isFaint(shown.codes[point]));
  expect(drawn().length).toBeGreaterThan(10);
  expect(drawn().every((point) => point < 20)).toBe(true);
  shown.set({ strength: 0 });
  expect(drawn().some((point) => point >= 20)).toBe(true);
});

test("a comparison's points lie over these, by whether both have them; as a ratio they are only colours", () => {
  const other = randomCloud(30, 9);
  const same = Uint32Array.from({ length: 30 }, (_, point) => (point < 10 ? point : NOT_SHARED));
  const ratios = Int8Array.from({ length: NUM_POINTS }, (_, point) => (point === 0 ? 127 : -127));
  const comparison: Comparison = { snapshotId: "ab", cloud: other, same, numShared: 10, ratios };
  const shown = new Follower();
  shown.set({ comparison });
  expect(shown.scene.other).toBe(null);
  shown.set({ mode: "compare" });
  expect(shown.scene.other?.count).toBe(30);
  shown.codes.forEach((code, point) => {
    expect(isFaint(code), "what only this snapshot has stands out, in one colour").toBe(point < 10);
    expect(css(shown.scene.own?.palette ?? new Uint8Array(), code & 255)).toBe(
      css(comparisonPalette(true), COMPARISON_CODES.gone),
    );
  });
  const colors = shown.scene.other?.codes.map((code) => code & 255);
  expect(new Set(colors?.subarray(0, 10))).not.toEqual(new Set(colors?.subarray(10)));
  shown.set({ comparisonView: "ratio" });
  expect(shown.scene.other).toBe(null);
  expect(shown.codes.some(isFaint)).toBe(false);
  expect([shown.codes[0] & 255, shown.codes[1] & 255]).toEqual([255, 0]);
  shown.set({ comparisonView: "overlay" });
  expect(shown.scene.other?.count).toBe(30);
  shown.set({ mode: "explore" });
  expect(shown.scene.other).toBe(null);
});

test("points that arrive later are drawn like those that were there", () => {
  const part = { ...cloud, loaded: 50 };
  const corpus = { ...fakeCorpus(), cloud: part } as unknown as Corpus;
  const shown = new Follower(corpus);
  expect(shown.scene.own?.count).toBe(50);
  part.loaded = NUM_POINTS;
  shown.set({ loaded: NUM_POINTS + 1 });
  expect(shown.scene.own?.count).toBe(NUM_POINTS);
  expect([...shown.codes]).toEqual([...new Follower().codes]);
});

test("what is said of a column that did not come goes with the colours that wanted it", async () => {
  const shown = new Follower();
  shown.set({ colorBy: "cluster" });
  await vi.waitFor(() => expect(shown.told).toHaveLength(1));
  shown.set({ colorBy: "source" });
  expect(shown.told.at(-1)).toBe(null);
});

test("columns of a snapshot that is not shown any more say nothing of the next one", async () => {
  const onColumn = vi.fn();
  let refuse: (error: unknown) => void = () => undefined;
  const clusters = () => new Promise<never>((_, no) => (refuse = no));
  const shown = new Follower(Object.assign(fakeCorpus(), { clusters }), onColumn);
  shown.set({ colorBy: "cluster" });
  shown.set({ corpus: Object.assign(fakeCorpus(), { clustersNow: new Uint16Array(NUM_POINTS) }) });
  refuse(new Error("no labels"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(shown.told).toEqual([]);
  expect(onColumn).not.toHaveBeenCalled();
});
