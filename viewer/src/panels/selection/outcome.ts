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
  /** Why the version could not be made current. */
  #trouble: string | null = null;
  #turn = 0;

  constructor(page: Page) {
    this.#page = page;
    watch(page.store, ["published", "corpus"], () => this.#render());
  }

  /** One sentence, in place of what was said before; `isAt` tells by the number whether it stands still. */
  say(sentence: string): number {
    this.#answer = null;
    this.root.textContent = sentence;
    return ++this.#turn;
  }

  /** Whether nothing was said since. */
  isAt(turn: number): boolean {
    return turn === this.#turn;
  }

  tell(answer: EditAnswer, change: HTMLElement | null): void {
    this.#turn++;
    this.#answer = answer;
    this.#change = change;
    this.#trouble = null;
    this.#render();
  }

  #render(): void {
    if (this.#answer === null) return;
    const isCurrent = this.#page.store.state.published === this.#answer.snapshot_id;
    fill(this.root, isCurrent ? [current(this.#answer)] : [this.#change, ...this.#offer(this.#answer)]);
  }

  #offer(answer: EditAnswer): Child[] {
    const { snapshot_id: id, is_new: isNew } = answer;
    const { store } = this.#page;
    const look = () => store.set({ pinnedSnapshot: id, colorBy: "weight" });
    const button = element("button", { type: "button", onclick: look }, "Look at it");
    return [
      element("p", {}, isNew ? "New version " : "This version was there already: ", element("code", {}, id), "."),
      element(
        "div",
        { class: "actions" },
        store.state.corpus?.snapshotId === id ? null : button,
        switchButton("main", () => void this.#switch(answer)),
      ),
      this.#trouble === null ? null : element("p", {}, this.#trouble),
    ];
  }

  /** The map goes on to it, unless it went to another one meanwhile. */
  async #switch(answer: EditAnswer): Promise<void> {
    const id = answer.snapshot_id;
    const { api, store } = this.#page;
    const { corpus } = store.state;
    this.#trouble = null;
    try {
      await api.switchTo(id);
      if (isShown(this.#page, corpus)) store.set({ pinnedSnapshot: id });
      store.set({ published: id });
    } catch (error) {
      const trouble = failure(error);
      if (this.#answer !== answer) return;
      this.#trouble = trouble;
      this.#render();
    }
  }
}

function current({ snapshot_id: id }: EditAnswer): string {
  return `Version ${id} is the current snapshot now. Trainers that follow the store draw by it.`;
}
