// Says how the lasso works while it is on, what its last line or ring came to, and how it ends: by a key, by a button.

import type { State } from "../../state";
import { isInText } from "../keys";
import { type Page, watch } from "../page";

const KEY = "lasso";
const HINT = "Draw around the prompts; Esc ends.";
const MISSED = "No prompts inside. Draw around some, or end with Esc.";
const MISSED_RING = "No prompts inside the ring. ] makes it larger.";

export function lassoHint(page: Page): void {
  const { store, notices } = page;
  const end = () => store.set({ tool: "navigate", hasMissed: false });
  watch(store, ["tool", "hasMissed"], ({ tool, hasMissed }: State) => {
    if (tool !== "lasso") notices.hide(KEY);
    if (tool !== "lasso" && hasMissed) notices.show(KEY, "done", MISSED_RING);
    if (tool === "lasso") notices.show(KEY, "information", hasMissed ? MISSED : HINT, [{ label: "End", run: end }]);
  });
  // Before the rest of the page: only one thing goes at a time. The map ends its own line.
  const clear = (event: KeyboardEvent) => {
    const isElsewhere = document.querySelector(".stage:focus, dialog[open]") === null;
    if (event.key !== "Escape" || store.state.tool !== "lasso" || !isElsewhere || isInText(event)) return;
    event.stopPropagation();
    end();
  };
  document.addEventListener("keydown", clear, { capture: true });
}
