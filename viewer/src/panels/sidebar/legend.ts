// An entry of a legend that filters, the same for sources and clusters: a click hides or shows it, "only" leaves it
// alone or takes that back, as Alt and click or a double click do.

import { dot } from "../dot";
import { element, quoted } from "../element";

const HINT = "Click to hide or show, Alt and click to show only this one";

/** What an entry shows and does. */
interface Content {
  readonly name: string;
  readonly color: string;
  readonly toggle: () => void;
  readonly only: () => void;
  /** Further buttons, beside "only". */
  readonly more?: readonly HTMLButtonElement[];
}

/** The entry, what says how many there are, and what says whether it is shown. */
export function legendEntry({ name, color, toggle, only, more = [] }: Content): {
  root: HTMLElement;
  number: HTMLElement;
  show(isShown: boolean): void;
} {
  const number = element("span", { class: "number" });
  const click = (event: MouseEvent) => (event.altKey ? only() : toggle());
  const shown = element(
    "button",
    { type: "button", title: HINT, onclick: click, ondblclick: only },
    dot(color),
    quoted(name, "name"),
    number,
  );
  const beside = [small("only", `Show only ${name}`, only), ...more];
  const root = element("li", {}, shown, element("span", { class: "beside" }, ...beside));
  return { root, number, show: (isShown) => shown.setAttribute("aria-pressed", String(isShown)) };
}

/** A small button of an entry; what it says is short, `label` is for who does not see its place. */
export function small(word: string, label: string, run: () => void): HTMLButtonElement {
  return element("button", { type: "button", "aria-label": label, title: label, onclick: run }, word);
}
