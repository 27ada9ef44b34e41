// Live numbers of what is on the map.

import { tally } from "../../space/histogram";
import { element } from "../element";
import { type Page, watch } from "../page";
import { count, percent } from "../words";

const NAMES = [
  ["visible", "Visible"],
  ["total", "Prompts"],
  ["selected", "Selected"],
  ["sources", "Sources"],
  ["density", "Average density percentile"],
] as const;

export function statistics(page: Page): HTMLElement {
  const values = Object.fromEntries(NAMES.map(([key]) => [key, element("dd", { id: `statistics-${key}` }, "–")]));
  const rows = NAMES.map(([key, label]) => element("div", {}, element("dt", {}, label), values[key]));
  watch(page.store, ["corpus", "loaded", "filter"], ({ corpus, filter }) => {
    if (corpus === null) return;
    const { visible, bySource, averageDensity } = tally(corpus.cloud, filter, corpus.clustersNow);
    const sources = corpus.meta.sources.length;
    const shown = bySource.reduce((sum, size) => sum + Math.min(1, size), 0);
    values.total.textContent = count(corpus.numPoints);
    values.sources.textContent = shown < sources ? `${count(shown)} of ${count(sources)}` : count(sources);
    values.visible.textContent = count(visible);
    values.density.textContent = visible === 0 ? "–" : percent(averageDensity);
  });
  watch(page.store, ["selected", "marked"], ({ selected, marked }) => {
    values.selected.textContent = count(marked?.length ?? (selected === null ? 0 : 1));
  });
  return element("dl", { class: "statistics", "aria-label": "Statistics", "aria-live": "polite" }, ...rows);
}
