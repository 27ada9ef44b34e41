// Search by words or by meaning; what is found can be looked at one by one or marked on the map.

import type { Brief, SearchMode } from "../messages";
import { brief, drawn } from "./brief";
import { element, fill } from "./element";
import { isShown, type Page, watch } from "./page";
import { rareButton } from "./rare";
import { failure, isAborted } from "./rights";
import { count, counted } from "./words";

const SHOWN = 50;
const PAUSE_MILLISECONDS = 350;
const MOST_CHARS = 1_000;
const MOST_MARKED = 1_000;

export class Search {
  readonly root: HTMLElement;
  readonly #page: Page;
  readonly #text = element("input", {
    type: "search",
    id: "search",
    placeholder: "Search prompts",
    autocomplete: "off",
    maxlength: MOST_CHARS,
    "aria-label": "Search prompts",
    "aria-keyshortcuts": "/",
    dir: "auto",
  });
  readonly #mode = element("input", { type: "checkbox", id: "by-meaning" });
  readonly #said = element("p", { class: "note", role: "status" });
  readonly #list = element("ul", { class: "briefs" });
  #abort = new AbortController();
  #timer = 0;

  constructor(page: Page) {
    this.#page = page;
    const byMeaning = element("label", { class: "check" }, this.#mode, "by meaning");
    const ways = element("div", { class: "ways" }, byMeaning, rareButton(page));
    const form = element("form", { role: "search" }, this.#text, ways);
    this.root = element("section", { class: "search" }, form, this.#said, this.#list);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run();
    });
    this.#text.addEventListener("input", () => this.#soon());
    this.#mode.addEventListener("change", () => void this.#run());
    watch(page.store, ["corpus"], () => void this.#run());
  }

  focus(): void {
    this.#text.focus();
    this.#text.select();
  }

  /** The prompts that mean about the same as a text. */
  findSimilar(text: string): void {
    this.#text.value = text.slice(0, MOST_CHARS);
    this.#mode.checked = true;
    void this.#run();
  }

  get #wanted(): SearchMode {
    return this.#mode.checked ? "meaning" : "substring";
  }

  #soon(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#run(), PAUSE_MILLISECONDS);
  }

  async #run(): Promise<void> {
    window.clearTimeout(this.#timer);
    this.#abort.abort();
    this.#abort = new AbortController();
    const [text, corpus] = [this.#text.value.trim(), this.#page.store.state.corpus];
    if (text === "" || corpus === null) {
      fill(this.#list, []);
      fill(this.#said, []);
      return;
    }
    this.#said.textContent = "Searching…";
    try {
      const { signal } = this.#abort;
      const found = await this.#page.api.search(text, this.#wanted, SHOWN, corpus.snapshotId, signal);
      this.#show(found.results, found.total);
    } catch (error) {
      if (!isAborted(error)) this.#said.textContent = failure(error);
    }
  }

  #show(results: readonly Brief[], total: number | null): void {
    fill(
      this.#list,
      results.map((result) => element("li", {}, brief(this.#page, result))),
    );
    if (results.length === 0) {
      this.#said.textContent = "No prompt has these words. Try fewer of them, or search by meaning.";
      return;
    }
    const found = total === null ? `${results.length} nearest in meaning` : `${counted(total, "prompt")} found`;
    const mark = () => void this.#mark();
    const button = element("button", { type: "button", class: "link", onclick: mark }, "Mark all on the map");
    fill(this.#said, [
      total !== null && total > results.length ? `${count(total)} found, ${count(results.length)} shown` : found,
      button,
    ]);
  }

  async #mark(): Promise<void> {
    const { corpus, service } = this.#page.store.state;
    if (corpus === null) return;
    try {
      const limit = Math.min(MOST_MARKED, service?.limits.results ?? MOST_MARKED);
      const wanted = this.#wanted === "meaning" ? SHOWN : limit;
      const text = this.#text.value.trim();
      const found = await this.#page.api.search(text, this.#wanted, wanted, corpus.snapshotId);
      await corpus.complete;
      if (isShown(this.#page, corpus)) this.#markAll(drawn(corpus, found.results), found.total ?? 0);
    } catch (error) {
      if (isShown(this.#page, corpus) && !isAborted(error)) this.#said.textContent = failure(error);
    }
  }

  #markAll(points: readonly number[], total: number): void {
    this.#page.store.set({ marked: Uint32Array.from(points).sort(), selected: null });
    this.#page.stage.frame(points);
    if (total <= points.length) return;
    const sentence = `The first ${count(points.length)} of ${count(total)} prompts are marked, the most at once.`;
    this.#page.notices.show("marked", "information", sentence);
  }
}
