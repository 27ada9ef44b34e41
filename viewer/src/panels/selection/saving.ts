// Saves the marked prompts as files, and says how far it is.

import type { Corpus } from "../../data/corpus";
import { element } from "../element";
import { type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { count, counted } from "../words";
import { idLines, jsonLines, save } from "./export";

/** Prompts of one request: few enough that the bar moves. */
const MOST_AT_ONCE = 500;
const NOTE = "JSON by line: id, whole text, source, density percentile, weight.";

type Make = (corpus: Corpus, points: Uint32Array, signal: AbortSignal) => Promise<void>;

export class Saving {
  readonly root: HTMLElement;
  readonly #page: Page;
  readonly #said = element("p", { class: "note", role: "status" });
  readonly #bar = element("progress", { "aria-label": "Texts that are there" });
  readonly #far = element("span", { class: "number" });
  readonly #progress: HTMLElement;
  readonly #buttons: readonly HTMLButtonElement[];
  #abort = new AbortController();

  constructor(page: Page) {
    this.#page = page;
    const stop = element("button", { type: "button", onclick: () => this.#abort.abort() }, "Stop");
    this.#progress = element("div", { class: "saving", hidden: true }, this.#bar, this.#far, stop);
    this.#buttons = [
      this.#button("Ids (.txt)", (corpus, points, signal) => this.#saveIds(corpus, points, signal)),
      this.#button("Prompts (.jsonl)", (corpus, points, signal) => this.#saveLines(corpus, points, signal)),
    ];
    this.root = element(
      "section",
      { "aria-labelledby": "saving-head" },
      element("h3", { id: "saving-head" }, "Save"),
      element("div", { class: "actions" }, ...this.#buttons),
      element("p", { class: "note" }, NOTE),
      this.#progress,
      this.#said,
    );
    // What is under way was asked for other marks, and nothing on the page would say so.
    watch(page.store, ["marked", "corpus"], () => {
      this.#abort.abort();
      this.#said.textContent = "";
    });
  }

  #button(label: string, make: Make): HTMLButtonElement {
    return element("button", { type: "button", onclick: () => void this.#run(make) }, label);
  }

  async #run(make: Make): Promise<void> {
    const { corpus, marked: points } = this.#page.store.state;
    if (corpus === null || points === null) return;
    this.#abort = new AbortController();
    this.#said.textContent = "";
    this.#hold(true);
    try {
      await make(corpus, points, this.#abort.signal);
      this.#said.textContent = "Saved.";
    } catch (error) {
      this.#said.textContent = isAborted(error) ? "Stopped; nothing was saved." : failure(error);
    }
    this.#hold(false);
    this.#progress.hidden = true;
  }

  /** One file at a time. */
  #hold(isUnderWay: boolean): void {
    for (const button of this.#buttons) button.disabled = isUnderWay;
  }

  async #saveIds(corpus: Corpus, points: Uint32Array, signal: AbortSignal): Promise<void> {
    const lines = await idLines(corpus, points);
    signal.throwIfAborted();
    save(`${corpus.snapshotId}-ids.txt`, new Blob([lines], { type: "text/plain" }));
  }

  async #saveLines(corpus: Corpus, points: Uint32Array, signal: AbortSignal): Promise<void> {
    const { api, store } = this.#page;
    const most = Math.min(MOST_AT_ONCE, store.state.service?.limits.results ?? MOST_AT_ONCE);
    const tell = (done: number) => this.#tell(done, points.length);
    tell(0);
    const parts = await jsonLines(api, corpus, points, most, tell, signal);
    save(`${corpus.snapshotId}-prompts.jsonl`, new Blob(parts, { type: "application/x-ndjson" }));
  }

  #tell(done: number, total: number): void {
    this.#progress.hidden = false;
    [this.#bar.max, this.#bar.value] = [total, done];
    this.#far.textContent = `${count(done)} of ${counted(total, "text")}`;
  }
}
