// How much of the map is there, while it comes.

import { element } from "../element";
import { type Page, watch } from "../page";
import { counted, percent } from "../words";

export function progress(page: Page): HTMLElement {
  const bar = element("progress", { "aria-label": "Loading the map" });
  const said = element("p", {}, "Loading the map…");
  const made = element("div", { class: "progress", role: "status" }, bar, said);
  watch(page.store, ["corpus", "loaded"], ({ corpus, loaded }) => {
    if (corpus === null) return;
    const total = corpus.cloud.numPoints;
    made.hidden = loaded >= total;
    bar.max = total;
    bar.value = loaded;
    said.textContent = `${percent(loaded / total, 0)} of ${counted(corpus.numPoints, "prompt")}`;
  });
  return made;
}
