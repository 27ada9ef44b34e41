// Where everything stands: the map below, the panels over it. Nothing here changes the size of the map.

import type { Covered } from "../space/framing";
import { element, icon } from "./element";
import { followKeys } from "./keys";
import { HoverCard } from "./map/card";
import { helpDialog } from "./map/help";
import { progress } from "./map/progress";
import { tools } from "./map/tools";
import { type Page, watch } from "./page";
import { Detail } from "./selection/detail";
import { marked } from "./selection/marked";
import type { Search } from "./sidebar/search";
import { sidebar } from "./sidebar/sidebar";

const MENU = "M2.5 4h11M2.5 8h11M2.5 12h11";

/** Puts the panels into the page; `link` makes the address of a prompt. */
export function layout(page: Page, map: HTMLElement, search: Search, link: (prompt: string) => string): void {
  const controls = sidebar(page, search);
  const help = helpDialog();
  const menu = menuButton(page, map, controls);
  const detail = new Detail(page, link).root;
  const marks = marked(page);
  const selection = element("aside", { class: "selection", "aria-label": "Selection" }, detail, marks);
  watch(page.store, ["selected", "marked", "corpus"], () => {
    selection.hidden = detail.hidden && marks.hidden;
  });
  uncover(page, map, selection);
  const card = new HoverCard(page, map).root;
  document.body.prepend(skipLink(page));
  document.body.append(controls, menu, tools(page, help), selection, progress(page), page.notices.root, card, help);
  const open = () => show(controls, menu, true);
  search.onSimilar = open;
  followKeys(page, { search, help, selection, open });
}

/** Tells the map what the selection hides of it, and keeps the selected point in the rest. */
function uncover(page: Page, map: HTMLElement, selection: HTMLElement): void {
  let [revealed, hidden]: [number | null, number] = [null, 0];
  const measure = () => {
    const { selected } = page.store.state;
    const covered = coverOf(map, selection);
    page.stage.cover(covered);
    const isWorse = covered.right + covered.bottom > hidden;
    if (selected !== null && (selected !== revealed || isWorse)) page.stage.reveal(selected);
    [revealed, hidden] = [selected, covered.right + covered.bottom];
  };
  new ResizeObserver(measure).observe(selection);
  watch(page.store, ["selected", "marked", "neighbors"], measure);
}

/** On narrow screens the selection is a sheet at the bottom. */
function coverOf(map: HTMLElement, selection: HTMLElement): Covered {
  if (selection.hidden) return { right: 0, bottom: 0 };
  const [whole, panel] = [map.getBoundingClientRect(), selection.getBoundingClientRect()];
  return panel.width >= whole.width
    ? { right: 0, bottom: whole.bottom - panel.top }
    : { right: whole.right - panel.left, bottom: 0 };
}

function skipLink(page: Page): HTMLElement {
  const skip = (event: Event) => {
    event.preventDefault();
    page.stage.focus();
  };
  return element("a", { class: "skip", href: "#map", onclick: skip }, "Skip to the map");
}

/** On narrow screens the controls are a drawer. */
function menuButton(page: Page, map: HTMLElement, controls: HTMLElement): HTMLButtonElement {
  const made = element("button", {
    type: "button",
    class: "tool menu",
    "aria-label": "Controls",
    "aria-controls": "sidebar",
  });
  made.append(icon(MENU));
  made.addEventListener("click", () => show(controls, made, !controls.classList.contains("open")));
  controls.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !controls.classList.contains("open")) return;
    event.preventDefault();
    show(controls, made, false);
    made.focus();
  });
  map.addEventListener("pointerdown", () => show(controls, made, false));
  watch(page.store, ["selected", "marked"], () => show(controls, made, false));
  return made;
}

function show(controls: HTMLElement, menu: HTMLElement, isOpen: boolean): void {
  controls.classList.toggle("open", isOpen);
  menu.setAttribute("aria-expanded", String(isOpen));
}
