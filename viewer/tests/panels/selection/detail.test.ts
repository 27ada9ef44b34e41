// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { ApiError } from "../../../src/connection";
import { Detail } from "../../../src/panels/selection/detail";
import { fakeApi, fakePage, later, NUM_POINTS, SERVICE, settled } from "../../service";

const prompt = (id: string) => ({
  ...{ id, snapshot_id: "", text: "", messages: [], source: "hh", sources: [], num_pairs: 0, num_complete_pairs: 0 },
  ...{
    weight: 1 / NUM_POINTS,
    loss_weight: 1,
    density_percentile: 0.2,
    edit_factors: [],
    density: 1,
    row: 0,
    point: 0,
    cluster: 0,
  },
  ...{ cluster_terms: [], duplicate_of: id, pairs: [], more_pairs: 0 },
});
const near = (point: number) => ({ ...prompt("ab"), preview: "near", distance: 0.5, point });

test("links of the prompt before are gone at once, and those come that the map has", async () => {
  const second = later<unknown>();
  const neighbors = async (id: string) => (id === "3" ? { neighbors: [near(4), near(5)] } : second.promise);
  const { page, store } = await fakePage(fakeApi({ prompt: async (id: string) => prompt(id), neighbors }));
  new Detail(page, () => "");
  store.set({ selected: 3 });
  await settled();
  expect(store.state.neighbors).toEqual([4, 5]);
  store.set({ selected: 7 });
  expect(store.state.neighbors).toEqual([]);
  second.resolve({ neighbors: [near(8), near(NUM_POINTS + 1)] });
  await settled();
  expect(store.state.neighbors).toEqual([8]);
});

test("a prompt that did not come is asked for again when the service is back, and one that did is left alone", async () => {
  const asked = vi.fn(async (id: string) => prompt(id));
  asked.mockImplementationOnce(() => Promise.reject(new ApiError(null, "away")));
  const neighbors = async () => ({ neighbors: [] });
  const { page, store } = await fakePage(fakeApi({ prompt: asked, neighbors }), { selected: 3 });
  const { root } = new Detail(page, () => "");
  await settled();
  expect(root.textContent).toContain("does not answer");
  store.set({ returns: 1 });
  await settled();
  expect(root.textContent).not.toContain("does not answer");
  const number = asked.mock.calls.length;
  store.set({ returns: 2 });
  await settled();
  expect(asked).toHaveBeenCalledTimes(number);
});

test("a chat is offered as soon as the service announces it, also beside a prompt that is shown already", async () => {
  const routes = { prompt: async (id: string) => prompt(id), neighbors: async () => ({ neighbors: [] }) };
  const { page, store } = await fakePage(fakeApi(routes), { selected: 3 });
  const { root } = new Detail(page, () => "");
  await settled();
  expect(root.querySelector("a")).toBe(null);
  store.set({ service: { ...SERVICE, chat_url: "https://chat.test/" } });
  expect(root.querySelector("a")?.href).toBe("https://chat.test/?prefix_id=3");
});
