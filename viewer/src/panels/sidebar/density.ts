// The range of density percentiles that is shown, over a histogram of what there is.

import { tally } from "../../space/histogram";
import { element } from "../element";
import { type Page, watch } from "../page";
import { foldable } from "./section";

const BARS = 32;
const SVG = "http://www.w3.org/2000/svg";

export function density(page: Page): HTMLElement {
  const bars = drawing();
  const [low, high] = [
    thumb("lowest", "Lowest density percentile shown"),
    thumb("highest", "Highest density percentile shown"),
  ];
  const said = element("output", { class: "number" });
  const change = (moved: HTMLInputElement) => {
    const [from, to] = [Number(low.value), Number(high.value)];
    if (from > to) moved.value = String(moved === low ? to : from);
    set(page, Number(low.value) / 100, Number(high.value) / 100);
  };
  for (const input of [low, high]) input.addEventListener("input", () => change(input));
  watch(page.store, ["filter"], ({ filter }) => {
    const [from, to] = filter.density;
    low.value = String(from * 100);
    high.value = String(to * 100);
    said.textContent = `${Math.round(from * 100)} to ${Math.round(to * 100)}`;
  });
  watch(page.store, ["corpus", "loaded", "filter"], (state) => {
    if (state.corpus === null) return;
    const whole = { ...state.filter, density: [0, 1] as const };
    const { byDensity } = tally(state.corpus.cloud, whole, state.corpus.clustersNow);
    bars.firstElementChild?.setAttribute("d", outline(byDensity));
  });
  const ends = element("div", { class: "ends" }, element("span", {}, "very rare"), element("span", {}, "very common"));
  const range = element("div", { class: "range" }, low, high);
  const head = { name: "density", title: "Density percentile", isOpen: true, beside: said };
  return foldable(head, bars, range, ends);
}

function set(page: Page, from: number, to: number): void {
  page.store.set({ filter: { ...page.store.state.filter, density: [from, to] } });
}

function thumb(id: string, label: string): HTMLInputElement {
  return element("input", { type: "range", id, min: 0, max: 100, step: 1, "aria-label": label });
}

function drawing(): SVGSVGElement {
  const made = document.createElementNS(SVG, "svg");
  for (const [name, value] of [
    ["viewBox", `0 0 ${BARS} 1`],
    ["preserveAspectRatio", "none"],
    ["aria-hidden", "true"],
  ]) {
    made.setAttribute(name, value);
  }
  made.setAttribute("class", "bars");
  made.append(document.createElementNS(SVG, "path"));
  return made;
}

/** Bars of 256 / BARS percentile steps each, the highest as high as the drawing. */
function outline(byDensity: Uint32Array): string {
  const width = byDensity.length / BARS;
  const sums = Array.from({ length: BARS }, (_, bar) =>
    byDensity.subarray(bar * width, (bar + 1) * width).reduce((sum, number) => sum + number, 0),
  );
  const most = Math.max(1, ...sums);
  return sums.map((sum, bar) => `M${bar} 1V${(1 - sum / most).toFixed(3)}h.85V1z`).join("");
}
