// Keys of the whole page, wherever the focus is but in a dialog or in a text.

import type { Page } from "./page";
import type { Search } from "./sidebar/search";

const TEXT = "input:not([type=range], [type=checkbox], [type=radio]), textarea";

/** Whether a key is meant for a text that is being written. */
export function isInText({ target }: Event): boolean {
  return (target as HTMLElement).matches(TEXT);
}

/** What keys reach. */
interface Places {
  readonly search: Search;
  readonly help: HTMLDialogElement;
  /** The panels of what is selected and marked. */
  readonly selection: HTMLElement;
  /** Shows the controls, where they are hidden. */
  readonly open: () => void;
}

export function followKeys(page: Page, { search, help, selection, open }: Places): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isInText(event)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    // A button that hid itself leaves the focus to the page.
    if (event.key === "Escape") clear(page, target === document.body || selection.contains(target));
    // Letters choose in a list.
    if (target.matches("select")) return;
    if (event.key === "?") help.showModal();
    if (event.key !== "/") return;
    event.preventDefault();
    open();
    page.store.set({ mode: "explore" });
    search.focus();
  });
}

/** Only one thing goes at a time, as on the map; the focus goes to the map where its own place goes. */
function clear({ store, stage }: Page, isLost: boolean): void {
  const { selected, marked } = store.state;
  if (selected === null && marked === null) return;
  store.set(selected === null ? { marked: null } : { selected: null });
  if (isLost && store.state.marked === null) stage.focus();
}
