// A section of the sidebar under a head that folds it away.

import { type Child, element } from "../element";

interface Head {
  /** Names the section in ids and styles. */
  readonly name: string;
  readonly title: string;
  readonly isOpen: boolean;
  /** What stands at the other end of the head. */
  readonly beside?: HTMLElement;
}

export function foldable({ name, title, isOpen, beside }: Head, ...content: Child[]): HTMLElement {
  const head = element("h2", { id: `${name}-head` }, title);
  const body = element("details", { open: isOpen }, element("summary", {}, head), ...content);
  const made = element("section", { class: `foldable ${name}`, "aria-labelledby": head.id }, body);
  // Not within the summary: what acts there would fold the section as well.
  if (beside !== undefined) made.prepend(element("div", { class: "beside-head" }, beside));
  return made;
}
