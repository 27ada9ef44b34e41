// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { Api } from "../src/api";
import { ApiError } from "../src/connection";
import { Loading } from "../src/loading";
import { Outage } from "../src/outage";
import { Notices } from "../src/panels/notices";
import { INITIAL, Store } from "../src/state";
import { cloudPieces, fakeApi, later, NUM_POINTS, pointsAnswer, settled } from "./service";

function parts(api: Api) {
  const store = new Store(INITIAL);
  const notices = new Notices();
  return { store, notices, loading: new Loading({ api, store, notices }) };
}

test("a map that breaks off says that the service is away, and is whole when it is back", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const meta = JSON.stringify(await fakeApi().meta(null));
  const broken = [...cloudPieces().slice(0, 3), new TypeError("network error")];
  const bodies = [pointsAnswer(broken), pointsAnswer(cloudPieces())];
  vi.stubGlobal("fetch", async (address: string) =>
    address === "/v1/points" ? bodies.shift() : new Response(address.includes("meta") ? meta : "{}"),
  );
  const api = new Api();
  const { store, notices, loading } = parts(api);
  new Outage(api, notices, () => loading.resume());
  await loading.load();
  expect(store.state.loaded).toBeLessThan(NUM_POINTS);
  expect(notices.root.textContent).toContain("The service does not answer");
  await vi.advanceTimersByTimeAsync(1_500);
  vi.useRealTimers();
  await settled();
  expect(store.state.loaded).toBe(NUM_POINTS);
  expect(notices.root.textContent).not.toContain("The service does not answer");
});

test("labels that a filter waits for are asked for again when the service is back", async () => {
  const labels = vi.fn(async () => new ArrayBuffer(2 * NUM_POINTS));
  labels.mockImplementationOnce(() => Promise.reject(new ApiError(null, "away")));
  const { store, loading } = parts(fakeApi({ bytes: labels }));
  store.set({ filter: { ...INITIAL.filter, clusters: { isOnly: true, labels: new Set([0]) } } });
  await loading.load();
  expect(store.state.corpus?.clustersNow).toBeNull();
  const { filter } = store.state;
  loading.resume();
  await settled();
  expect(store.state.corpus?.clustersNow).not.toBeNull();
  expect(store.state.filter).not.toBe(filter);
});

test("a load is ended by the next one", async () => {
  const held = later<Uint8Array>();
  const signals: AbortSignal[] = [];
  const points = async (snapshot: string | null, _range: unknown, signal: AbortSignal) => {
    signals.push(signal);
    return pointsAnswer(signals.length === 1 ? [held.promise] : cloudPieces(), snapshot ?? undefined);
  };
  const { store, notices, loading } = parts(fakeApi({ points }));
  void loading.load();
  await settled();
  store.set({ pinnedSnapshot: "00000000000000cd" });
  await settled();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(store.state.corpus?.snapshotId).toBe("00000000000000cd");
  expect(notices.root.textContent).toBe("");
});

test("what was begun before the page stood is shown, and asked for once", async () => {
  const asked = vi.fn(async () => pointsAnswer(cloudPieces()));
  const { store, loading } = parts(fakeApi({ points: asked }));
  await loading.begin();
  expect(store.state.corpus).toBeNull();
  await loading.load();
  expect(store.state.loaded).toBe(NUM_POINTS);
  expect(asked).toHaveBeenCalledTimes(1);
});

test("the page waits a moment for its points and no longer", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const held = later<Uint8Array>();
  const { loading } = parts(fakeApi({ points: async () => pointsAnswer([held.promise]) }));
  let hasBegun = false;
  void loading.begin().then(() => {
    hasBegun = true;
  });
  await vi.advanceTimersByTimeAsync(99);
  expect(hasBegun).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(hasBegun).toBe(true);
  vi.useRealTimers();
});

test("what could not begin is told when the page stands", async () => {
  const points = async () => Promise.reject(new ApiError(404, "There is no such snapshot."));
  const { notices, loading } = parts(fakeApi({ points }));
  await loading.begin();
  expect(notices.root.textContent).toBe("");
  await loading.load();
  expect(notices.root.textContent).toContain("There is no such snapshot.");
});

test("another snapshot that is wanted before the page stands ends what was begun", async () => {
  const points = async (snapshot: string | null) => pointsAnswer(cloudPieces(), snapshot ?? undefined);
  const { store, loading } = parts(fakeApi({ points }));
  await loading.begin();
  store.set({ pinnedSnapshot: "00000000000000cd" });
  await settled();
  expect(store.state.corpus?.snapshotId).toBe("00000000000000cd");
});

test("a snapshot that was chosen while the service was away comes when it is back, though another map is whole", async () => {
  let isAway = false;
  const points = vi.fn(async (snapshot: string | null) => {
    if (isAway) throw new ApiError(null, "away");
    return pointsAnswer(cloudPieces(), snapshot ?? undefined);
  });
  const { store, loading } = parts(fakeApi({ points }));
  await loading.load();
  isAway = true;
  store.set({ pinnedSnapshot: "00000000000000cd" });
  await settled();
  isAway = false;
  loading.resume();
  loading.resume();
  await settled();
  expect(store.state.corpus?.snapshotId).toBe("00000000000000cd");
  expect(points, "what is under way is not begun again").toHaveBeenCalledTimes(3);
});
