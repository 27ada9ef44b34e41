// A way in: one of the rarest prompts that are shown, with its neighbors in view.

import type { Corpus } from "../../data/corpus";
import { visiblePoints } from "../../space/filter";
import type { Filter } from "../../state";
import { element } from "../element";
import { type Page, watch } from "../page";

/** Any of so many of the rarest will do, so that each press shows another one. */
const RARE = 0.02;

export function rareButton(page: Page): HTMLButtonElement {
  const attributes = { type: "button", class: "link", onclick: () => showRare(page) };
  const made = element("button", attributes, "Show me a rare prompt");
  watch(page.store, ["corpus", "loaded"], ({ corpus, loaded }) => {
    made.disabled = corpus === null || loaded < corpus.cloud.numPoints;
  });
  return made;
}

function showRare(page: Page): void {
  const { corpus, filter } = page.store.state;
  if (corpus === null) return;
  const found = rarest(corpus, filter);
  if (found.length === 0) {
    page.notices.show("rare", "done", "No prompt passes the filters.");
    return;
  }
  const point = found[Math.floor(Math.random() * found.length)];
  page.store.set({ selected: point, marked: null });
  frameWithNeighbors(page, point);
}

/** The rarest of the points that pass the filter. */
function rarest(corpus: Corpus, filter: Filter): number[] {
  const numbers = new Uint32Array(corpus.cloud.loaded);
  const shown = numbers.subarray(0, visiblePoints(corpus.cloud, filter, corpus.clustersNow, numbers));
  const lowest = shown.reduce((least, point) => Math.min(least, corpus.densityPercentile(point)), 1);
  return Array.from(shown.filter((point) => corpus.densityPercentile(point) <= lowest + RARE));
}

/** Its neighbors come later than the point: what it is rare among is worth the wait. */
function frameWithNeighbors({ store, stage }: Page, point: number): void {
  const end = store.follow(({ selected, neighbors }, before) => {
    if (selected !== point) return end();
    if (neighbors === before.neighbors || neighbors.length === 0) return;
    end();
    stage.frame([point, ...neighbors]);
  });
}
