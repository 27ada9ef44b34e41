// Search by words or by meaning; what is found can be looked at one by one or marked on the map.

import type { Corpus } from "../../data/corpus";
import type { Brief, Prompt, SearchAnswer, SearchMode } from "../../messages";
import { brief, drawn } from "../brief";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { count, counted } from "../words";
import { rareButton } from "./rare";

const SHOWN = 50;
const PAUSE_MILLISECONDS = 350;
const MOST_CHARS = 1_000;
const MOST_MARKED = 1_000;

/** What a list is the answer to. */
interface Question {
  readonly text: string;
  readonly mode: SearchMode;
  /** The prompt that others are to be like; null while the text is the reader's own. */
  readonly like: string | null;
}

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
    this.#text.value = oneLine(text);
    this.#mode.checked = true;
    this.#like = id;
    void this.#run();
  }

  get #question(): Question {
    const mode = this.#mode.checked ? "meaning" : "substring";
    return { text: this.#text.value.trim(), mode, like: this.#like };
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
    const [question, { corpus }] = [this.#question, this.#page.store.state];
    if (question.text === "" || corpus === null) {
      fill(this.#list, []);
      fill(this.#said, []);
      return;
    }
    this.#said.textContent = "Searching…";
    try {
      const { signal } = this.#abort;
      this.#show(question, await this.#find(question, corpus, SHOWN, signal));
    } catch (error) {
      if (!isAborted(error)) this.#said.textContent = failure(error);
    }
  }

  /** At most `most` results; a prompt is no result of the search for what is like it. */
  async #find(question: Question, corpus: Corpus, most: number, signal: AbortSignal): Promise<SearchAnswer> {
    const { text, mode, like: own } = question;
    const wanted = own === null ? most : most + 1;
    const limit = Math.min(wanted, this.#page.store.state.service?.limits.results ?? wanted);
    const found = await this.#page.api.search(text, mode, limit, corpus.snapshotId, signal);
    signal.throwIfAborted();
    return { ...found, results: found.results.filter(({ id }) => id !== own).slice(0, most) };
  }

  #show(question: Question, { results, total }: SearchAnswer): void {
    fill(
      this.#list,
      results.map((result) => element("li", {}, brief(this.#page, result))),
    );
    if (results.length === 0) {
      this.#said.textContent = "No prompt has these words. Try fewer of them, or search by meaning.";
      return;
    }
    const found = total === null ? this.#nearest(results, question) : `${counted(total, "prompt")} found`;
    const mark = () => void this.#mark(question);
    const button = element("button", { type: "button", class: "link", onclick: mark }, "Mark all on the map");
    fill(this.#said, [
      total !== null && total > results.length ? `${count(total)} found, ${count(results.length)} shown` : found,
      button,
    ]);
  }

  /** Those of a prompt begin with what stands under it as its nearest ones. */
  #nearest(results: readonly Brief[], { like }: Question): string {
    const said = `${results.length} nearest in meaning`;
    const { neighbors } = this.#page.store.state;
    const known = results.filter(({ point }) => point !== null && neighbors.includes(point)).length;
    return like === null || known === 0 ? said : `${said}, ${known} of them its nearest prompts`;
  }

  /** Marks what the list shows and more of it, whatever stands in the field by now. */
  async #mark(question: Question): Promise<void> {
    const { corpus } = this.#page.store.state;
    if (corpus === null) return;
    const { signal } = this.#abort;
    try {
      const wanted = question.mode === "meaning" ? SHOWN : MOST_MARKED;
      const found = await this.#find(question, corpus, wanted, signal);
      await corpus.complete;
      if (!signal.aborted) this.#markAll(drawn(corpus, found.results), found.total ?? 0);
    } catch (error) {
      if (!signal.aborted) this.#said.textContent = failure(error);
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

/** A field of one line takes the ends of lines out, and the words beside them would be one. */
function oneLine(text: string): string {
  return [...text.replace(/\s+/g, " ")].slice(0, MOST_CHARS).join("");
}
