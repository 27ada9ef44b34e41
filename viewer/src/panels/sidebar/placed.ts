// Texts that are not of the snapshot, such as a model's outputs: where they fall on the map, and how crowded it is there.
// Two files, such as outputs before and after a training, stand beside each other.

import type { Corpus } from "../../data/corpus";
import type { Place } from "../../messages";
import type { PlacedText } from "../../state";
import { element, fill, quoted } from "../element";
import { isShown, type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { band, count, counted, percent } from "../words";
import { MOST_TEXTS, ownPoints, type Row, textsOf } from "./texts";

const FILES = ".txt,.jsonl,.json,text/plain";
const CLOSE = 0.35;
const LISTED = 200;
const USUAL_LIMITS = { texts: 64, text_chars: 8_000 };
const WRITTEN = "Written here";

export class Placed {
  readonly root: HTMLElement;
  readonly #page: Page;
  readonly #input = element("textarea", { id: "texts", rows: 4, dir: "auto", placeholder: "One text a line" });
  readonly #said = element("p", { class: "note", role: "status" });
  readonly #lists = element("div");
  /** Names of the two sets. */
  #names: [string, string] = ["", ""];
  #abort = new AbortController();

  constructor(page: Page) {
    this.#page = page;
    const file = element("input", { type: "file", id: "texts-file", accept: FILES, multiple: true });
    const place = element(
      "button",
      { type: "button", class: "main", onclick: () => void this.#place(this.#input.value, WRITTEN) },
      "Place",
    );
    const clear = element("button", { type: "button", onclick: () => this.#clear() }, "Clear");
    const choose = element("label", { class: "button", for: "texts-file" }, "Choose a file", file);
    this.root = element(
      "section",
      { class: "placed", "aria-labelledby": "placed-head" },
      element("h2", { id: "placed-head" }, "Place your own texts"),
      element(
        "label",
        { for: "texts", class: "note" },
        "One text a line, or drop one or two .txt or .jsonl files here.",
      ),
      this.#input,
      element("div", { class: "actions" }, place, choose, clear),
      this.#said,
      this.#lists,
    );
    file.addEventListener("change", () => {
      void this.#read([...(file.files ?? [])]);
      // So that the same file can be chosen again.
      file.value = "";
    });
    this.#follow();
  }

  #follow(): void {
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.#read([...(event.dataTransfer?.files ?? [])]);
    });
    watch(this.#page.store, ["corpus"], () => this.#forget());
    watch(this.#page.store, ["placed"], ({ placed }) => {
      fill(this.#lists, [...this.#list(placed, 0), ...this.#list(placed, 1)]);
    });
  }

  /** What is under way is not wanted any more. */
  #forget(): AbortSignal {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#said.textContent = "";
    return this.#abort.signal;
  }

  #clear(): void {
    this.#forget();
    this.#page.store.set({ placed: [] });
  }

  async #read(files: readonly File[]): Promise<void> {
    for (const file of files.slice(0, 2)) await this.#place(await file.text(), file.name);
  }

  async #place(content: string, name: string): Promise<void> {
    const signal = this.#forget();
    const { corpus, service } = this.#page.store.state;
    const limits = service?.limits ?? USUAL_LIMITS;
    const { rows, numLeftOut } = textsOf(content, limits.text_chars);
    if (corpus === null || rows.length === 0) {
      this.#said.textContent = "There is no text yet: write one a line.";
      return;
    }
    const places: Place[] = [];
    let [points, said]: [(number | null)[], string] = [[], ""];
    try {
      points = await ownPoints(corpus, rows);
      await this.#ask(corpus, rows, places, limits.texts, signal);
      const left =
        numLeftOut > 0 ? ` ${counted(numLeftOut, "line")} left out: too long, or beyond ${count(MOST_TEXTS)}.` : "";
      said = `${counted(rows.length, "text")} placed.${left}`;
    } catch (error) {
      if (isAborted(error) || signal.aborted) return;
      said = failure(error);
    }
    if (signal.aborted) return;
    this.#add(rows, places, points, name);
    this.#said.textContent = said;
  }

  /** Appends the rows' places, part by part as the service takes them. */
  async #ask(
    corpus: Corpus,
    rows: readonly Row[],
    places: Place[],
    atOnce: number,
    signal: AbortSignal,
  ): Promise<void> {
    while (places.length < rows.length) {
      signal.throwIfAborted();
      this.#said.textContent = `${count(places.length)} of ${counted(rows.length, "text")}…`;
      const part = rows.slice(places.length, places.length + atOnce).map(({ text }) => text);
      places.push(...(await this.#page.api.project(part, corpus.snapshotId, signal)));
    }
  }

  /** The second file adds to the first, and each further one takes the second's place; what is written takes its own. */
  #add(rows: readonly Row[], places: readonly Place[], points: readonly (number | null)[], name: string): void {
    const { placed } = this.#page.store.state;
    const isFree = placed.length === 0 || (name === WRITTEN && this.#names[0] === WRITTEN);
    const set = isFree ? 0 : 1;
    this.#names[set] = name;
    const added = places.map(
      ({ x, y, z, density_percentile, neighbors }, number): PlacedText => ({
        text: rows[number].text,
        position: [x, y, z],
        densityPercentile: density_percentile,
        point: points[number],
        set,
        nearest: neighbors[0] ?? null,
      }),
    );
    const others = placed.filter((text) => text.set !== set);
    this.#page.store.set({ placed: set === 0 ? [...added, ...others] : [...others, ...added] });
  }

  #list(placed: readonly PlacedText[], set: 0 | 1): HTMLElement[] {
    const texts = placed.filter((text) => text.set === set);
    if (texts.length === 0) return [];
    const number = element("span", { class: "number" }, count(texts.length));
    const entries = texts.slice(0, LISTED).map((text) => this.#entry(text));
    return [
      element("h3", { "data-set": set }, quoted(this.#names[set], "name"), " ", number),
      element("ul", { class: "briefs" }, ...entries),
    ];
  }

  #entry({ text, position, densityPercentile, nearest, point }: PlacedText): HTMLElement {
    const fly = () => this.#page.stage.setPose({ target: [...position], distance: CLOSE }, true);
    const facts = `${band(densityPercentile)}, denser than ${percent(densityPercentile, 0)}`;
    const button = element(
      "button",
      { type: "button", class: "brief", onclick: fly },
      element("span", { class: "brief-text" }, quoted(text), element("span", { class: "note" }, facts)),
    );
    const select = () => this.#page.store.set({ selected: point });
    const own = point === null ? null : link("Its own prompt", select);
    return element("li", {}, button, own, nearest === null ? null : this.#walk(nearest.id, nearest.distance));
  }

  /** A way to the prompt that is nearest to a text. */
  #walk(id: string, distance: number): HTMLElement {
    const select = async () => {
      const { corpus } = this.#page.store.state;
      try {
        const { point } = await this.#page.api.prompt(id, corpus?.snapshotId ?? null);
        if (isShown(this.#page, corpus)) this.#page.store.set({ selected: point });
      } catch (error) {
        if (isShown(this.#page, corpus)) this.#said.textContent = failure(error);
      }
    };
    return link(`Nearest prompt, at distance ${distance.toFixed(2)}`, () => void select());
  }
}

function link(label: string, run: () => void): HTMLElement {
  return element("button", { type: "button", class: "link", onclick: run }, label);
}
