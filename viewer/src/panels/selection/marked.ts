// The marked prompts: how many, of which sources, which ones; to be saved, or to be drawn more or less often.

import { brief } from "../brief";
import { CROSS, element, fill, icon } from "../element";
import { type Page, watch } from "../page";
import { count, counted } from "../words";
import { composition } from "./composition";
import { editing } from "./editing";
import { hiddenMarks } from "./hidden";
import { Saving } from "./saving";

const LISTED = 200;

export function marked(page: Page): HTMLElement {
  const title = element("h2", { id: "marked-head" });
  const close = element("button", { type: "button", class: "bare", "aria-label": "Close" }, icon(CROSS));
  close.addEventListener("click", () => {
    page.store.set({ marked: null });
    page.stage.focus();
  });
  const [origins, list] = [element("div"), element("ul", { class: "briefs" })];
  const more = element("p", { class: "note" });
  const root = element("article", { class: "marked", "aria-labelledby": "marked-head" });
  root.append(
    element("header", { class: "head" }, title, close),
    hiddenMarks(page),
    origins,
    element("button", { type: "button", class: "link", onclick: () => page.stage.closer() }, "Show them closer"),
    editing(page),
    new Saving(page).root,
    element("section", { "aria-label": "Marked prompts" }, element("h3", {}, "Prompts"), list, more),
  );
  const seen = previews(page);
  watch(page.store, ["returns"], () => {
    for (const item of list.querySelectorAll("li:empty")) seen.observe(item);
  });
  watch(page.store, ["marked", "corpus", "selected"], ({ marked: points, selected, corpus }) => {
    root.hidden = points === null || selected !== null || corpus === null;
  });
  watch(page.store, ["marked", "corpus"], ({ marked: points, corpus }) => {
    seen.disconnect();
    if (points === null || corpus === null) return;
    title.textContent = `${counted(points.length, "prompt")} marked`;
    page.notices.speak(`${counted(points.length, "prompt")} marked.`);
    fill(origins, composition(corpus, points));
    const items = Array.from(points.subarray(0, LISTED), (point) => element("li", { "data-point": point }));
    fill(list, items);
    for (const item of items) seen.observe(item);
    more.textContent = points.length > LISTED ? `The first ${LISTED} of ${count(points.length)}.` : "";
  });
  return root;
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
