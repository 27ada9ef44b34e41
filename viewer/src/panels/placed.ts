// Texts that are not of the snapshot, such as a model's outputs: where they fall on the map, and how crowded it is there.

import type { Place } from "../messages";
import type { PlacedText } from "../state";
import { element, fill, quoted } from "./element";
import { type Page, watch } from "./page";
import { failure } from "./rights";
import { band, count, counted, percent } from "./words";

/** Texts beyond these are left out. */
const MOST_TEXTS = 2_000;

const CLOSE = 0.35;
const LISTED = 200;
const USUAL_LIMITS = { texts: 64, text_chars: 8_000 };

export class Placed {
  readonly root: HTMLElement;
  readonly #page: Page;
  readonly #input = element("textarea", { id: "texts", rows: 4, dir: "auto", placeholder: "One text a line" });
  readonly #said = element("p", { class: "note", role: "status" });
  readonly #list = element("ul", { class: "briefs" });
  #places: readonly Place[] = [];

  constructor(page: Page) {
    this.#page = page;
    const file = element("input", { type: "file", accept: ".txt,.jsonl,.json,text/plain", id: "texts-file" });
    const place = element(
      "button",
      { type: "button", class: "main", onclick: () => void this.#place(this.#input.value) },
      "Place",
    );
    const clear = element("button", { type: "button", onclick: () => this.#show([], []) }, "Clear");
    const choose = element("label", { class: "button", for: "texts-file" }, "Choose a file", file);
    this.root = element(
      "section",
      { class: "placed", "aria-labelledby": "placed-head" },
      element("h2", { id: "placed-head" }, "Place your own texts"),
      element("label", { for: "texts", class: "note" }, "One text a line, or drop a .txt or .jsonl file here."),
      this.#input,
      element("div", { class: "actions" }, place, choose, clear),
      this.#said,
      this.#list,
    );
    file.addEventListener("change", () => void this.#read(file.files?.[0]));
    this.#follow();
  }

  #follow(): void {
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.#read(event.dataTransfer?.files[0]);
    });
    watch(this.#page.store, ["placed"], ({ placed }) => {
      const items = placed.slice(0, LISTED).map((text, number) => this.#entry(text, this.#places[number]));
      fill(this.#list, items);
    });
  }

  async #read(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    await this.#place(await file.text());
  }

  async #place(content: string): Promise<void> {
    const { store, api } = this.#page;
    const limits = this.#page.store.state.service?.limits ?? USUAL_LIMITS;
    const { texts, numLeftOut } = textsOf(content, limits.text_chars);
    const { corpus } = store.state;
    if (corpus === null || texts.length === 0) {
      this.#said.textContent = "There is no text yet: write one a line.";
      return;
    }
    const places: Place[] = [];
    try {
      while (places.length < texts.length) {
        this.#said.textContent = `${count(places.length)} of ${counted(texts.length, "text")}…`;
        const part = texts.slice(places.length, places.length + limits.texts);
        places.push(...(await api.project(part, corpus.snapshotId)));
      }
      const left =
        numLeftOut > 0 ? ` ${counted(numLeftOut, "line")} left out: too long, or beyond ${count(MOST_TEXTS)}.` : "";
      this.#said.textContent = `${counted(texts.length, "text")} placed.${left}`;
    } catch (error) {
      this.#said.textContent = failure(error);
    }
    if (store.state.corpus === corpus) this.#show(texts, places);
  }

  #show(texts: readonly string[], places: readonly Place[]): void {
    this.#places = places;
    if (texts.length === 0) this.#said.textContent = "";
    const placed = places.map(
      ({ x, y, z, density_percentile }, number): PlacedText => ({
        text: texts[number],
        position: [x, y, z],
        densityPercentile: density_percentile,
      }),
    );
    this.#page.store.set({ placed });
  }

  #entry(text: PlacedText, place: Place | undefined): HTMLElement {
    const fly = () => this.#page.stage.setPose({ target: [...text.position], distance: CLOSE }, true);
    const facts = `${band(text.densityPercentile)} · ${percent(text.densityPercentile, 0)}`;
    const nearest = place?.neighbors[0];
    const button = element(
      "button",
      { type: "button", class: "brief", onclick: fly },
      element("span", { class: "brief-text" }, quoted(text.text), element("span", { class: "note" }, facts)),
    );
    return element("li", {}, button, nearest === undefined ? null : this.#walk(nearest.id, nearest.distance));
  }

  /** A way to the prompt that is nearest to a text. */
  #walk(id: string, distance: number): HTMLElement {
    const select = async () => {
      try {
        const { point } = await this.#page.api.prompt(id, this.#page.store.state.corpus?.snapshotId ?? null);
        this.#page.store.set({ selected: point });
      } catch (error) {
        this.#said.textContent = failure(error);
      }
    };
    const label = `Nearest prompt, at distance ${distance.toFixed(2)}`;
    return element("button", { type: "button", class: "link", onclick: () => void select() }, label);
  }
}

/** The texts of a file: lines of JSON with a text of some usual name, or plain lines. */
export function textsOf(content: string, mostChars: number): { texts: string[]; numLeftOut: number } {
  const lines = content.split(/\r?\n/u).filter((line) => line.trim() !== "");
  const all = lines.map((line) => textOf(line).trim()).filter((text) => text !== "");
  const texts = all.filter((text) => [...text].length <= mostChars).slice(0, MOST_TEXTS);
  return { texts, numLeftOut: all.length - texts.length };
}

function textOf(line: string): string {
  if (!/^\s*[{"]/u.test(line)) return line;
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "string") return value;
    const fields = value as Record<string, unknown>;
    const named = ["text", "prompt", "output", "preview"].map((name) => fields[name]);
    return named.find((field): field is string => typeof field === "string") ?? line;
  } catch {
    return line;
  }
}
