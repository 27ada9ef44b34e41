// All keys and gestures of the page.

import { CROSS, element, icon } from "../element";

const GESTURES: readonly (readonly [string, string])[] = [
  ["Drag, or one finger", "Rotate"],
  ["Right or Shift drag, or two fingers", "Move"],
  ["Wheel, or pinch", "Zoom to the pointer"],
  ["Hover", "Preview a prompt"],
  ["Click, or tap", "Select it: conversation, weight, neighbors"],
  ["Lasso, then draw", "Mark prompts to save, boost or mute"],
  ["Click in a legend", "Hide or show it; Alt click: only this one"],
];
const KEYS: readonly (readonly [string, string])[] = [
  ["Tab", "To the map and to every control"],
  ["← → ↑ ↓", "Rotate, when the map has the focus"],
  ["Shift ← → ↑ ↓", "Move"],
  ["+  −", "Zoom"],
  ["0  Home", "Back to the whole map"],
  ["F", "Show the selection closer"],
  ["Enter", "Select what is at the crosshair"],
  ["M", "Mark what is round the crosshair"],
  ["[  ]   or   ,  .", "Make the ring for that smaller, larger"],
  ["Esc", "Close the lasso, the prompt, the marks: one after the other"],
  ["/", "Search"],
  ["?", "This help"],
];

export function helpDialog(): HTMLDialogElement {
  const made = element("dialog", { class: "help", "aria-labelledby": "help-head" });
  const attributes = { type: "button", class: "bare", "aria-label": "Close", onclick: () => made.close() };
  const close = element("button", attributes, icon(CROSS));
  const intro =
    "Each point is a prompt; near points mean similar things. Larger points are rarer, and training draws rare prompts more often than crowded ones.";
  made.append(
    element("header", { class: "head" }, element("h2", { id: "help-head" }, "How to use the map"), close),
    element("p", {}, intro),
    element(
      "div",
      { class: "columns-of-keys" },
      element("section", {}, element("h3", {}, "Mouse and touch"), table(GESTURES)),
      element("section", {}, element("h3", {}, "Keys"), table(KEYS)),
    ),
  );
  return made;
}

function table(rows: readonly (readonly [string, string])[]): HTMLElement {
  const lines = rows.map(([input, effect]) => element("div", {}, element("dt", {}, input), element("dd", {}, effect)));
  return element("dl", { class: "keys" }, ...lines);
}
