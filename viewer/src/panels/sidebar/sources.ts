// The legend of sources, which filters.

import { type Tally, tally } from "../../space/histogram";
import type { State } from "../../state";
import { sourceColor } from "../../theme";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { count, counted } from "../words";
import { legendEntry } from "./legend";
import { foldable } from "./section";

/** So many stand in the list; of more than one beyond them, the rest is folded away. */
const LISTED = 6;

type Source = { readonly code: number; readonly name: string; readonly size: number };
/** Shows the state of one entry. */
type Update = (state: State, shown: Tally) => void;

export function sources(page: Page): HTMLElement {
  const [list, rest] = [element("ul", { class: "legend" }), element("div", { class: "rest" })];
  const all = element("button", { type: "button", class: "link", onclick: () => hide(page, []) }, "Show all");
  let updates: Update[] = [];
  watch(page.store, ["corpus"], ({ corpus }) => {
    updates = [];
    const ordered = [...(corpus?.meta.sources ?? [])].sort((a, b) => b.size - a.size);
    const entries = ordered.map((source) => entry(page, source, updates));
    const listed = ordered.length > LISTED + 1 ? LISTED : ordered.length;
    fill(list, entries.slice(0, listed));
    fill(rest, listed < ordered.length ? [folded(ordered.slice(listed), entries.slice(listed))] : []);
  });
  watch(page.store, ["corpus", "loaded", "filter"], (state) => {
    all.hidden = state.filter.hiddenSources.size === 0;
    if (state.corpus === null) return;
    const whole = { ...state.filter, hiddenSources: new Set<number>() };
    const shown = tally(state.corpus.cloud, whole, state.corpus.clustersNow);
    for (const update of updates) update(state, shown);
  });
  return foldable({ name: "sources", title: "Sources", isOpen: true, beside: all }, list, rest);
}

function folded(sources: readonly Source[], entries: readonly HTMLElement[]): HTMLElement {
  const size = sources.reduce((sum, source) => sum + source.size, 0);
  const said = element("span", {}, counted(sources.length, "more source"));
  const summary = element("summary", {}, said, element("span", { class: "number" }, count(size)));
  return element("details", {}, summary, element("ul", { class: "legend" }, ...entries));
}

function entry(page: Page, { code, name, size }: Source, updates: Update[]): HTMLElement {
  const actions = { toggle: () => toggle(page, code), only: () => showOnly(page, code) };
  const { root, number, show } = legendEntry({ name, color: sourceColor(code), ...actions });
  updates.push(({ filter, corpus }, { bySource }) => {
    show(!filter.hiddenSources.has(code));
    const isWhole = corpus === null || corpus.cloud.loaded < corpus.cloud.numPoints || bySource[code] === size;
    number.textContent = isWhole ? count(size) : `${count(bySource[code])} of ${count(size)}`;
  });
  return root;
}

function toggle(page: Page, code: number): void {
  const { hiddenSources } = page.store.state.filter;
  hide(page, hiddenSources.has(code) ? [...hiddenSources].filter((other) => other !== code) : [...hiddenSources, code]);
}

/** One that is alone already takes that back. */
function showOnly(page: Page, code: number): void {
  const { corpus, filter } = page.store.state;
  const others = (corpus?.meta.sources ?? []).map((source) => source.code).filter((other) => other !== code);
  const isAlone = filter.hiddenSources.size === others.length && !filter.hiddenSources.has(code);
  hide(page, isAlone ? [] : others);
}

function hide(page: Page, codes: readonly number[]): void {
  page.store.set({ filter: { ...page.store.state.filter, hiddenSources: new Set(codes) } });
}
