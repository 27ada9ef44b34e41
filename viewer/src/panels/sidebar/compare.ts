// Another snapshot on the map of this one: its points over these, or where it has more and where fewer of them.

import { parseComparison } from "../../data/comparison";
import type { SnapshotEntry } from "../../messages";
import type { ComparisonView, State } from "../../state";
import { comparisonColor, scaleColors } from "../../theme";
import { dot } from "../dot";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { count, moment } from "../words";

const VIEWS: readonly (readonly [ComparisonView, string])[] = [
  ["overlay", "Its points"],
  ["ratio", "More or fewer"],
];

export class Compare {
  readonly root = element("div", { class: "compare" });
  readonly #page: Page;
  readonly #list = element("select", { id: "other" });
  readonly #said = element("p", { class: "note", role: "status" });
  #abort = new AbortController();
  #entries: readonly SnapshotEntry[] = [];

  constructor(page: Page) {
    this.#page = page;
    const result = element("div", { class: "choices" });
    this.root.append(
      element("p", {}, "Another snapshot, placed on this map: the same prompts stand where they stood."),
      element("div", { class: "field" }, element("label", { for: "other" }, "Compare with"), this.#list),
      this.#said,
      result,
    );
    this.#list.addEventListener("change", () => void this.#compare(this.#list.value));
    watch(page.store, ["mode", "corpus", "returns"], ({ mode }) => {
      if (mode === "compare") void this.#refresh();
    });
    watch(page.store, ["corpus"], () => this.#forget());
    watch(page.store, ["comparison"], (state) => fill(result, state.comparison === null ? [] : this.#result(state)));
  }

  async #refresh(): Promise<void> {
    this.#entries = await this.#page.api.snapshots().catch(() => this.#entries);
    const { corpus, comparison } = this.#page.store.state;
    const others = this.#entries.filter((entry) => entry.snapshot_id !== corpus?.snapshotId);
    const options = others.map(({ snapshot_id: id, created_at }) =>
      element(
        "option",
        { value: id, selected: id === comparison?.snapshotId },
        `${id.slice(0, 8)} · ${moment(created_at)}`,
      ),
    );
    fill(this.#list, [element("option", { value: "" }, "None"), ...options]);
    this.#list.disabled = others.length === 0;
    if (others.length === 0) {
      this.#said.textContent =
        "The store has no other snapshot. Build one into it, or boost or mute marked prompts to make a version.";
    }
  }

  /** What is under way is not wanted any more. */
  #forget(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#said.textContent = "";
  }

  async #compare(other: string): Promise<void> {
    this.#forget();
    const { store, api } = this.#page;
    const { corpus } = store.state;
    const { signal } = this.#abort;
    store.set({ comparison: null });
    if (other === "" || corpus === null) return;
    this.#said.textContent = "Placing its prompts on this map…";
    try {
      const comparison = parseComparison(await api.comparison(other, corpus.snapshotId, signal));
      if (signal.aborted) return;
      this.#said.textContent = "";
      store.set({ comparison, hovered: null });
    } catch (error) {
      if (!isAborted(error) && !signal.aborted) this.#said.textContent = failure(error);
    }
  }

  #result({ comparison, corpus }: State): HTMLElement[] {
    if (comparison === null || corpus === null) return [];
    const { numShared } = comparison;
    const fact = (kind: "shared" | "new" | "gone", name: string, value: number) => {
      const label = element("dt", {}, dot(comparisonColor(kind)), name);
      return element("div", {}, label, element("dd", { id: `comparison-${kind}` }, count(value)));
    };
    const facts = element(
      "dl",
      { class: "facts colored" },
      fact("shared", "In both", numShared),
      fact("new", "New in the other", comparison.cloud.numPoints - numShared),
      fact("gone", "Only here", corpus.numPoints - numShared),
    );
    return [this.#views(), facts, scale(this.#page, facts)];
  }

  #views(): HTMLElement {
    const { store } = this.#page;
    const choices = VIEWS.map(([view, label]) => {
      const choose = () => store.set({ comparisonView: view });
      const checked = store.state.comparisonView === view;
      const input = element("input", { type: "radio", name: "view", value: view, checked, onchange: choose });
      return element("label", {}, input, element("span", {}, label));
    });
    return element("fieldset", { class: "choice" }, element("legend", {}, "Show"), ...choices);
  }
}

/** What the colours of the ratio mean; those of the points are said by `facts`, whose dots go away meanwhile. */
function scale(page: Page, facts: HTMLElement): HTMLElement {
  const strip = element("div", { class: "strip" });
  const ends = element("div", { class: "ends" });
  ends.append(
    element("span", {}, "half as many or fewer"),
    element("span", {}, "equal"),
    element("span", {}, "twice or more"),
  );
  const made = element("div", { class: "scale" }, strip, ends);
  const show = ({ comparisonView }: State) => {
    made.hidden = comparisonView !== "ratio";
    facts.classList.toggle("colored", comparisonView !== "ratio");
  };
  const end = page.store.follow((state) => {
    if (state.comparison === null) end();
    show(state);
  });
  show(page.store.state);
  strip.style.background = scaleColors("ratio");
  return made;
}
