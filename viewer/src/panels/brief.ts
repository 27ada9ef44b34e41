// A prompt in a list: hovering shows it on the map, a click selects it.

import type { Corpus } from "../data/corpus";
import type { Brief } from "../messages";
import { sourceDot } from "./dot";
import { element, quoted } from "./element";
import type { Page } from "./page";
import { band, percent } from "./words";

type Shown = Pick<Brief, "preview" | "source" | "density_percentile" | "distance" | "point">;

export function brief(page: Page, shown: Shown): HTMLButtonElement {
  const { point, density_percentile: percentile } = shown;
  const distance = shown.distance === null ? "" : ` · ${shown.distance.toFixed(2)} away`;
  const facts = `${band(percentile)}, denser than ${percent(percentile, 0)}${distance}`;
  const made = element(
    "button",
    { type: "button", class: "brief", disabled: point === null },
    sourceDot(page.store, shown.source),
    element("span", { class: "brief-text" }, quoted(shown.preview), element("span", { class: "note" }, facts)),
  );
  if (point !== null) follow(page, made, point);
  return made;
}

/** The points of what a list shows, as far as the map has them. */
export function drawn(corpus: Corpus, list: readonly Pick<Brief, "point">[]): number[] {
  return list.flatMap(({ point }) => (point !== null && point < corpus.cloud.loaded ? [point] : []));
}

function follow(page: Page, button: HTMLElement, point: number): void {
  const hover = (hovered: number | null) => page.store.set({ hovered });
  const show = () => hover(point < page.store.state.loaded ? point : null);
  for (const start of ["pointerenter", "focus"]) button.addEventListener(start, show);
  for (const end of ["pointerleave", "blur"]) button.addEventListener(end, () => hover(null));
  button.addEventListener("click", () => page.store.set({ selected: point, hovered: null }));
}
