// Search by words or by meaning; what is found can be looked at one by one or marked on the map.

import type { Corpus } from "../../data/corpus";
import type { Brief, Prompt, SearchAnswer, SearchMode } from "../../messages";
import { brief, drawn } from "../brief";
import { element, fill } from "../element";
import { isShown, type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { count, counted } from "../words";
import { rareButton } from "./rare";

const SHOWN = 50;
const PAUSE_MILLISECONDS = 350;
const MOST_CHARS = 1_000;
const MOST_MARKED = 1_000;

export class Search {
  readonly root: HTMLElement;
  /** Shows the place of this panel, where it is hidden. */
  onSimilar: () => void = () => undefined;
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
  /** The prompt that others are to be like; null while the text is the reader's own. */
  #like: string | null = null;

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
    this.#mode.addEventListener("change", () => {
      this.#like = null;
      void this.#run();
    });
    watch(page.store, ["corpus"], () => void this.#run());
  }

  focus(): void {
    this.#text.focus();
    this.#text.select();
  }

  /** The prompts that mean about the same as this one, which is not among them; where they come is shown. */
  findSimilar({ id, text }: Pick<Prompt, "id" | "text">): void {
    this.onSimilar();
    this.root.closest(".panel")?.scrollTo(0, 0);
    this.#text.value = text.slice(0, MOST_CHARS);
    this.#mode.checked = true;
    this.#like = id;
    void this.#run();
  }

  get #wanted(): SearchMode {
    return this.#mode.checked ? "meaning" : "substring";
  }

  #soon(): void {
    this.#like = null;
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
      const { results, total } = await this.#find(text, corpus, SHOWN, signal);
      this.#show(results, total);
    } catch (error) {
      if (!isAborted(error)) this.#said.textContent = failure(error);
    }
  }

  /** At most `most` results; a prompt is no result of the search for what is like it. */
  async #find(text: string, corpus: Corpus, most: number, signal?: AbortSignal): Promise<SearchAnswer> {
    const own = this.#like;
    const wanted = own === null ? most : most + 1;
    const limit = Math.min(wanted, this.#page.store.state.service?.limits.results ?? wanted);
    const found = await this.#page.api.search(text, this.#wanted, limit, corpus.snapshotId, signal);
    return { ...found, results: found.results.filter(({ id }) => id !== own).slice(0, most) };
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
    const found = total === null ? this.#nearest(results) : `${counted(total, "prompt")} found`;
    const mark = () => void this.#mark();
    const button = element("button", { type: "button", class: "link", onclick: mark }, "Mark all on the map");
    fill(this.#said, [
      total !== null && total > results.length ? `${count(total)} found, ${count(results.length)} shown` : found,
      button,
    ]);
  }

  /** Those of a prompt begin with what stands under it as its nearest ones. */
  #nearest(results: readonly Brief[]): string {
    const said = `${results.length} nearest in meaning`;
    const { neighbors } = this.#page.store.state;
    const known = results.filter(({ point }) => point !== null && neighbors.includes(point)).length;
    return this.#like === null || known === 0 ? said : `${said}, ${known} of them its nearest prompts`;
  }

  async #mark(): Promise<void> {
    const { corpus } = this.#page.store.state;
    if (corpus === null) return;
    try {
      const wanted = this.#wanted === "meaning" ? SHOWN : MOST_MARKED;
      const found = await this.#find(this.#text.value.trim(), corpus, wanted);
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
