// The left side: the snapshot, three ways to look at it, and its numbers.

import type { Mode } from "../../state";
import { element } from "../element";
import { type Page, watch } from "../page";
import { appearance, colorChoice } from "./appearance";
import { clusters } from "./clusters";
import { Compare } from "./compare";
import { density } from "./density";
import { Placed } from "./placed";
import { sampling } from "./sampling";
import type { Search } from "./search";
import { snapshots } from "./snapshots";
import { sources } from "./sources";
import { statistics } from "./statistics";

const TABS: readonly (readonly [Mode, string])[] = [
  ["explore", "Explore"],
  ["sampling", "Sampling"],
  ["compare", "Compare"],
];

export function sidebar(page: Page, search: Search): HTMLElement {
  const panels: Record<Mode, readonly HTMLElement[]> = {
    explore: [
      search.root,
      element("section", {}, colorChoice(page, "color")),
      sources(page),
      density(page),
      clusters(page),
      appearance(page),
    ],
    sampling: [sampling(page)],
    compare: [new Compare(page).root, new Placed(page).root],
  };
  const brand = element("header", { class: "brand" }, element("h1", {}, "KAT-Ray"), snapshots(page));
  const shown = TABS.map(([mode]) => panel(page, mode, panels[mode]));
  return element(
    "aside",
    { id: "sidebar", class: "sidebar", "aria-label": "Controls" },
    brand,
    tabs(page),
    ...shown,
    statistics(page),
  );
}

function tabs(page: Page): HTMLElement {
  const buttons = TABS.map(([mode, label]) => {
    const choose = () => page.store.set({ mode });
    const attributes = {
      type: "button",
      role: "tab",
      id: `tab-${mode}`,
      "aria-controls": `panel-${mode}`,
      onclick: choose,
    };
    return element("button", attributes, label);
  });
  const list = element("div", { class: "tabs", role: "tablist", "aria-label": "View" }, ...buttons);
  list.addEventListener("keydown", (event) => step(event, buttons));
  watch(page.store, ["mode"], ({ mode }) => {
    TABS.forEach(([own], number) => {
      buttons[number].setAttribute("aria-selected", String(own === mode));
      buttons[number].tabIndex = own === mode ? 0 : -1;
    });
  });
  return list;
}

/** Arrows go from tab to tab. */
function step(event: KeyboardEvent, buttons: readonly HTMLButtonElement[]): void {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  if (way === undefined || at < 0) return;
  const next = buttons[(at + way + buttons.length) % buttons.length];
  next.click();
  next.focus();
}

function panel(page: Page, mode: Mode, content: readonly HTMLElement[]): HTMLElement {
  const attributes = {
    role: "tabpanel",
    id: `panel-${mode}`,
    class: "panel",
    "aria-labelledby": `tab-${mode}`,
    tabindex: 0,
  };
  const made = element("div", attributes, ...content);
  watch(page.store, ["mode", "corpus"], (state) => {
    made.hidden = state.mode !== mode;
    made.classList.toggle("waiting", state.corpus === null);
  });
  return made;
}
