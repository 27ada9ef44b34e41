// How many of the marked prompts filters keep off the map, which all that is done with marks takes along all the same.

import { countHidden } from "../../space/filter";
import { INITIAL, type State } from "../../state";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { count } from "../words";

export function hiddenMarks(page: Page): HTMLElement {
  const root = element("p", { class: "note hidden-marks" });
  const end = () => page.store.set({ filter: INITIAL.filter });
  const all = element("button", { type: "button", class: "link", onclick: end }, "Show all");
  watch(page.store, ["marked", "corpus", "loaded", "filter"], (state) => {
    const hidden = numHidden(state);
    root.hidden = hidden === 0;
    const said = `${count(hidden)} of them ${hidden === 1 ? "is" : "are"} hidden by filters, and saved and changed too. `;
    fill(root, hidden === 0 ? [] : [said, all]);
  });
  return root;
}

function numHidden({ corpus, marked, filter }: State): number {
  if (corpus === null || marked === null) return 0;
  return countHidden(marked, corpus.cloud, filter, corpus.clustersNow);
}
