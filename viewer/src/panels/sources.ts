// The legend of sources, which filters: a click hides or shows one, "only" leaves one alone.

import type { State } from "../state";
import { sourceColor } from "../theme";
import { dot } from "./dot";
import { element, fill, quoted } from "./element";
import { type Page, watch } from "./page";
import { count } from "./words";

type Source = { readonly code: number; readonly name: string; readonly size: number };

export function sources(page: Page): HTMLElement {
  const list = element("ul", { class: "legend" });
  const all = element("button", { type: "button", class: "link", onclick: () => hide(page, []) }, "Show all");
  const head = element("div", { class: "head" }, element("h2", { id: "sources-head" }, "Sources"), all);
  watch(page.store, ["corpus", "filter"], (state) => {
    const focused = (document.activeElement as HTMLElement | null)?.dataset.focus;
    all.hidden = state.filter.hiddenSources.size === 0;
    fill(
      list,
      (state.corpus?.meta.sources ?? []).map((source) => entry(page, state, source)),
    );
    if (focused !== undefined) list.querySelector<HTMLElement>(`[data-focus="${focused}"]`)?.focus();
  });
  return element("section", { "aria-labelledby": "sources-head" }, head, list);
}

function entry(page: Page, { filter, corpus }: State, source: Source): HTMLElement {
  const { code, name, size } = source;
  const hidden = filter.hiddenSources;
  const others = (corpus?.meta.sources ?? []).map((other) => other.code).filter((other) => other !== code);
  const toggle = () => hide(page, hidden.has(code) ? [...hidden].filter((other) => other !== code) : [...hidden, code]);
  const only = () => hide(page, others);
  const shown = element(
    "button",
    { type: "button", "aria-pressed": String(!hidden.has(code)), "data-focus": `source-${code}`, onclick: toggle },
    dot(sourceColor(code)),
    quoted(name, "name"),
    element("span", { class: "number" }, count(size)),
  );
  const alone = element(
    "button",
    { type: "button", class: "only", "aria-label": `Show only ${name}`, "data-focus": `only-${code}`, onclick: only },
    "only",
  );
  shown.addEventListener("dblclick", only);
  return element("li", {}, shown, alone);
}

function hide(page: Page, codes: readonly number[]): void {
  page.store.set({ filter: { ...page.store.state.filter, hiddenSources: new Set(codes) } });
}
