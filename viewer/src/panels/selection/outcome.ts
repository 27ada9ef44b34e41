// What came of an edit: the version that it made, and what can be done with that, as long as it is true.

import type { EditAnswer } from "../../messages";
import { type Child, element, fill } from "../element";
import { isShown, type Page, watch } from "../page";
import { failure } from "../rights";
import { switchButton } from "../sidebar/snapshots";

export class Outcome {
  readonly root = element("div", { role: "status" });
  readonly #page: Page;
  #answer: EditAnswer | null = null;
  /** What the edit changed, above what is said of its version. */
  #change: HTMLElement | null = null;

  constructor(page: Page) {
    this.#page = page;
    watch(page.store, ["published", "corpus"], () => this.#render());
  }

  /** One sentence, in place of what was said before. */
  say(sentence: string): void {
    this.#answer = null;
    this.root.textContent = sentence;
  }

  tell(answer: EditAnswer, change: HTMLElement | null): void {
    this.#answer = answer;
    this.#change = change;
    this.#render();
  }

  #render(): void {
    if (this.#answer === null) return;
    const isCurrent = this.#page.store.state.published === this.#answer.snapshot_id;
    fill(this.root, isCurrent ? [current(this.#answer)] : [this.#change, ...this.#offer(this.#answer)]);
  }

  #offer({ snapshot_id: id, is_new: isNew }: EditAnswer): Child[] {
    const { store } = this.#page;
    const look = () => store.set({ pinnedSnapshot: id, colorBy: "weight" });
    const button = element("button", { type: "button", onclick: look }, "Look at it");
    return [
      element("p", {}, isNew ? "New version " : "This version was there already: ", element("code", {}, id), "."),
      element(
        "div",
        { class: "actions" },
        store.state.corpus?.snapshotId === id ? null : button,
        switchButton("main", () => void this.#switch(id)),
      ),
    ];
  }

  /** The map goes on to it, unless it went to another one meanwhile. */
  async #switch(id: string): Promise<void> {
    const { api, store } = this.#page;
    const { corpus } = store.state;
    try {
      await api.switchTo(id);
      if (isShown(this.#page, corpus)) store.set({ pinnedSnapshot: id });
      store.set({ published: id });
    } catch (error) {
      this.say(failure(error));
    }
  }
}

function current({ snapshot_id: id }: EditAnswer): string {
  return `Version ${id} is the current snapshot now. Trainers that follow the store draw by it.`;
}
