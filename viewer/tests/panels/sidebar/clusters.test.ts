// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Corpus } from "../../../src/data/corpus";
import type { Page } from "../../../src/panels/page";
import { clusters, showCluster } from "../../../src/panels/sidebar/clusters";
import { sources } from "../../../src/panels/sidebar/sources";
import { visiblePoints } from "../../../src/space/filter";
import { INITIAL } from "../../../src/state";
import { cloudPieces, fakeApi, fakePage, later, NUM_POINTS, pointsAnswer, settled } from "../../service";

test("a cluster of a snapshot that is not shown any more does nothing to the map", async () => {
  const labels = later<ArrayBuffer>();
  const { page, store, stage } = await fakePage(fakeApi({ bytes: () => labels.promise }));
  void showCluster(page, 0);
  store.set({ corpus: (await fakePage()).corpus });
  labels.resolve(new ArrayBuffer(2 * NUM_POINTS));
  await settled();
  expect(stage.frame).not.toHaveBeenCalled();
  expect(store.state.filter).toBe(INITIAL.filter);
});

test("a cluster is shown with all its points, and labels that do not fit are told", async () => {
  const good = await fakePage(fakeApi({ bytes: async () => new ArrayBuffer(2 * NUM_POINTS) }));
  await showCluster(good.page, 0);
  expect(good.store.state.filter.clusters).toEqual({ isOnly: true, labels: new Set([0]) });
  expect(good.stage.frame.mock.calls[0]?.[0]).toHaveLength(NUM_POINTS);
  const bad = await fakePage(fakeApi({ bytes: async () => new ArrayBuffer(1) }));
  await showCluster(bad.page, 0);
  expect(bad.page.notices.root.textContent).toContain("has 1 bytes");
});

/** A page of three sources and three clusters, of which each has every third point. */
async function legends() {
  const labels = Uint16Array.from({ length: NUM_POINTS }, (_, point) => point % 3);
  const named = (name: string) => [0, 1, 2].map((code) => ({ code, name: `${name} ${code}`, size: 14 - code }));
  const meta = async (snapshot: string | null) => ({
    ...(await fakeApi().meta(snapshot)),
    sources: named("source"),
    clusters: named("cluster").map(({ code, name, size }) => ({ label: code, size, terms: [name] })),
  });
  return fakePage(fakeApi({ meta, bytes: async () => labels.buffer }));
}

const KINDS: [string, (page: Page) => HTMLElement][] = [
  ["source", sources],
  ["cluster", clusters],
];

test.each(KINDS)(
  "a click on a %s hides it and shows it again, and its small button leaves it alone",
  async (kind, make) => {
    const { page } = await legends();
    const root = make(page);
    const buttons = [...root.querySelectorAll<HTMLButtonElement>("[aria-pressed]")];
    const pressed = () => buttons.map((button) => button.getAttribute("aria-pressed") === "true");
    const press = async (button: HTMLElement | null) => {
      button?.click();
      await settled();
      return pressed();
    };
    expect(pressed()).toEqual([true, true, true]);
    expect(await press(buttons[1])).toEqual([true, false, true]);
    expect(await press(buttons[2])).toEqual([true, false, false]);
    expect(await press(buttons[1])).toEqual([true, true, false]);
    const only = root.querySelector<HTMLElement>(`[aria-label="Show only ${kind} 1"]`);
    expect(await press(only)).toEqual([false, true, false]);
    expect(await press(only)).toEqual([true, true, true]);
    expect(await press(only)).toEqual([false, true, false]);
    expect(await press(buttons[2])).toEqual([false, true, true]);
    buttons[0].dispatchEvent(new MouseEvent("click", { altKey: true }));
    await settled();
    expect(pressed()).toEqual([true, false, false]);
  },
);

test("what is hidden of the clusters is said, and shown again by one click", async () => {
  const { page, store, corpus } = await legends();
  const root = clusters(page);
  const said = () => root.querySelector(".chosen")?.textContent;
  const visible = () => {
    const out = new Uint32Array(NUM_POINTS);
    return out.slice(0, visiblePoints(corpus.cloud, store.state.filter, corpus.clustersNow, out));
  };
  root.querySelectorAll<HTMLElement>("[aria-pressed]")[1].click();
  await settled();
  expect(said()).toContain("Without the cluster cluster 1");
  expect(Array.from(visible()).filter((point) => point % 3 === 1)).toEqual([]);
  root.querySelector<HTMLElement>(`[aria-label="Show only cluster 2"]`)?.click();
  await settled();
  expect(said()).toContain("Only the cluster cluster 2");
  expect(Array.from(visible()).every((point) => point % 3 === 2)).toBe(true);
  const all = root.querySelector<HTMLElement>(".beside-head button");
  expect(all?.hidden).toBe(false);
  all?.click();
  expect(all?.hidden).toBe(true);
  expect(visible()).toHaveLength(NUM_POINTS);
  expect(said()).toBe("");
});

test("a cluster is hidden before all points are there", async () => {
  const { page, store } = await legends();
  const points = async () => pointsAnswer([...cloudPieces().slice(0, 3), later<Uint8Array>().promise]);
  store.set({ corpus: await Corpus.load(Object.assign(page.api, { points }), null, () => undefined) });
  const root = clusters(page);
  root.querySelectorAll<HTMLElement>("[aria-pressed]")[1].click();
  await settled();
  expect(store.state.filter.clusters.labels).toEqual(new Set([1]));
});
