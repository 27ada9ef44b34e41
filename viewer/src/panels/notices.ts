// Sentences over the map that say what happened and what to do. Each has a key: a newer one takes its place.

import { CROSS, element, icon } from "./element";

/** What a button of a notice says and does. */
interface Action {
  readonly label: string;
  readonly run: () => void;
}

/** "done" goes away by itself. */
type Weight = "done" | "information" | "trouble";

const DONE_MILLISECONDS = 6_000;

export class Notices {
  readonly root = element("div", { class: "notices" });
  readonly #spoken = element("p", { class: "spoken", role: "status" });
  readonly #shown = new Map<string, HTMLElement>();

  constructor() {
    this.root.append(this.#spoken);
  }

  show(key: string, weight: Weight, sentence: string, actions: readonly Action[] = []): void {
    const buttons = actions.map(({ label, run }) => element("button", { type: "button", onclick: run }, label));
    const hide = () => this.hide(key);
    const close = element(
      "button",
      { type: "button", class: "bare", "aria-label": "Hide", onclick: hide },
      icon(CROSS),
    );
    const role = weight === "trouble" ? "alert" : "status";
    const made = element("div", { class: `notice ${weight}`, role }, element("p", {}, sentence), ...buttons, close);
    this.hide(key);
    this.#shown.set(key, made);
    this.root.append(made);
    if (weight === "done") window.setTimeout(() => made.remove(), DONE_MILLISECONDS);
  }

  hide(key: string): void {
    this.#shown.get(key)?.remove();
    this.#shown.delete(key);
  }

  /** Says something to those who listen to the page. */
  speak(sentence: string): void {
    this.#spoken.textContent = sentence;
  }
}
