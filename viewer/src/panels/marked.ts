// The marked prompts: how many, of which sources, which ones; to be saved, or to be drawn more or less often.

import type { Corpus } from "../data/corpus";
import { sourceColor } from "../theme";
import { brief } from "./brief";
import { dot } from "./dot";
import { editing } from "./editing";
import { CROSS, element, fill, icon, quoted } from "./element";
import { hiddenMarks } from "./hidden";
import { type Page, watch } from "./page";
import { Saving } from "./saving";
import { count, counted, percent } from "./words";

const LISTED = 200;

export function marked(page: Page): HTMLElement {
  const title = element("h2", { id: "marked-head" });
  const close = element("button", { type: "button", class: "bare", "aria-label": "Close" }, icon(CROSS));
  close.addEventListener("click", () => {
    page.store.set({ marked: null });
    page.stage.focus();
  });
  const [composition, list] = [element("ul", { class: "composition" }), element("ul", { class: "briefs" })];
  const more = element("p", { class: "note" });
  const root = element("article", { class: "marked", "aria-labelledby": "marked-head" });
  root.append(
    element("header", { class: "head" }, title, close),
    hiddenMarks(page),
    composition,
    element("button", { type: "button", class: "link", onclick: () => page.stage.closer() }, "Show them closer"),
    editing(page),
    new Saving(page).root,
    element("section", { "aria-label": "Marked prompts" }, element("h3", {}, "Prompts"), list, more),
  );
  const seen = previews(page);
  watch(page.store, ["marked", "corpus", "selected"], ({ marked: points, selected, corpus }) => {
    root.hidden = points === null || selected !== null || corpus === null;
  });
  watch(page.store, ["marked", "corpus"], ({ marked: points, corpus }) => {
    seen.disconnect();
    if (points === null || corpus === null) return;
    title.textContent = `${counted(points.length, "prompt")} marked`;
    page.notices.speak(`${counted(points.length, "prompt")} marked.`);
    fill(composition, shares(corpus, points));
    const items = Array.from(points.subarray(0, LISTED), (point) => element("li", { "data-point": point }));
    fill(list, items);
    for (const item of items) seen.observe(item);
    more.textContent = points.length > LISTED ? `The first ${LISTED} of ${count(points.length)}.` : "";
  });
  return root;
}

function shares(corpus: Corpus, points: Uint32Array): HTMLElement[] {
  const sizes = new Map<number, number>();
  for (const point of points) sizes.set(corpus.source(point), (sizes.get(corpus.source(point)) ?? 0) + 1);
  return [...sizes]
    .sort(([, a], [, b]) => b - a)
    .map(([code, size]) => {
      const bar = element("span", { class: "level", "aria-hidden": "true" });
      bar.style.setProperty("--share", String(size / points.length));
      bar.style.setProperty("--accent", sourceColor(code));
      const name = corpus.meta.sources.find((source) => source.code === code)?.name ?? "other";
      const said = `${count(size)} · ${percent(size / points.length, 0)}`;
      return element(
        "li",
        {},
        dot(sourceColor(code)),
        quoted(name, "name"),
        element("span", { class: "number" }, said),
        bar,
      );
    });
}

/** Texts come when their place in the list is seen. */
function previews(page: Page): IntersectionObserver {
  return new IntersectionObserver((entries, observer) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      void show(page, target as HTMLElement);
    }
  });
}

async function show(page: Page, item: HTMLElement): Promise<void> {
  const { corpus } = page.store.state;
  const point = Number(item.dataset.point);
  const preview = await corpus?.preview(point).catch(() => null);
  if (corpus === null || preview === null || preview === undefined) return;
  const shown = {
    preview: preview.text,
    source: corpus.sourceName(point),
    density_percentile: corpus.densityPercentile(point),
    distance: null,
    point,
  };
  fill(item, [brief(page, shown)]);
}
