// Live numbers of what is on the map.

import { tally } from "../space/histogram";
import { element } from "./element";
import { type Page, watch } from "./page";
import { count, percent } from "./words";

const NAMES = [
  ["total", "Prompts"],
  ["sources", "Sources"],
  ["visible", "Visible"],
  ["selected", "Selected"],
  ["density", "Average density"],
] as const;

export function statistics(page: Page): HTMLElement {
  const values = Object.fromEntries(NAMES.map(([key]) => [key, element("dd", { id: `statistics-${key}` }, "–")]));
  const rows = NAMES.map(([key, label]) => element("div", {}, element("dt", {}, label), values[key]));
  watch(page.store, ["corpus", "loaded", "filter"], ({ corpus, filter }) => {
    if (corpus === null) return;
    const { visible, averageDensity } = tally(corpus.cloud, filter, corpus.clustersNow);
    values.total.textContent = count(corpus.numPoints);
    values.sources.textContent = count(corpus.meta.sources.length);
    values.visible.textContent = count(visible);
    values.density.textContent = visible === 0 ? "–" : percent(averageDensity, 2);
  });
  watch(page.store, ["selected", "marked"], ({ selected, marked }) => {
    values.selected.textContent = count(marked?.length ?? (selected === null ? 0 : 1));
  });
  return element("dl", { class: "statistics", "aria-label": "Statistics", "aria-live": "polite" }, ...rows);
}
