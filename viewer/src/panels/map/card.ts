// What lies under the pointer or at the crosshair: the beginning of its text and its numbers, beside it.

import type { Corpus, Preview } from "../../data/corpus";
import type { PointsMeta } from "../../messages";
import type { State } from "../../state";
import { sourceColor } from "../../theme";
import { dot } from "../dot";
import { element, fill, quoted } from "../element";
import { type Page, watch } from "../page";
import { band, denser, times } from "../words";

const GAP = 16;

export class HoverCard {
  readonly root = element("div", { class: "card", hidden: true });
  readonly #page: Page;
  readonly #map: HTMLElement;
  readonly #text = quoted("", "quoted card-text");
  readonly #facts = element("p", { class: "note" });
  /** Of the snapshots that were compared with. */
  readonly #otherMeta = new Map<string, Promise<PointsMeta>>();
  /** In CSS pixels of the page; null while it is not over the map. */
  #pointer: { readonly x: number; readonly y: number } | null = null;

  constructor(page: Page, map: HTMLElement) {
    this.#page = page;
    this.#map = map;
    this.root.append(this.#text, this.#facts);
    // Before the map itself says what is under the pointer.
    map.addEventListener("pointermove", (event) => this.#move(event), { capture: true });
    map.addEventListener("pointerleave", () => {
      this.#pointer = null;
      this.#render(page.store.state);
    });
    watch(page.store, ["hovered", "hoveredOther", "selected"], (state) => this.#render(state));
  }

  #move(event: PointerEvent): void {
    this.#pointer = { x: event.clientX, y: event.clientY };
    if (!this.root.hidden) this.#place();
  }

  #render(state: State): void {
    const { corpus, hovered, hoveredOther } = state;
    this.root.hidden = this.#anchor === null || corpus === null || (hovered === null && hoveredOther === null);
    if (this.root.hidden || corpus === null) return;
    if (hovered !== null) this.#showOwn(corpus, hovered);
    else if (hoveredOther !== null) this.#showOther(state, hoveredOther);
    this.#place();
  }

  /** Where it is that somebody points: with the pointer, or by keys with the crosshair. */
  get #anchor(): { readonly x: number; readonly y: number } | null {
    const { crosshair } = this.#page.stage;
    if (this.#pointer !== null || crosshair === null) return this.#pointer;
    const { hovered, hoveredOther, selected } = this.#page.store.state;
    // What is selected is told by its own panel, and what a list points at is elsewhere.
    if (crosshair.point !== (hovered ?? hoveredOther) || hovered === selected) return null;
    const box = this.#map.getBoundingClientRect();
    return { x: box.x + crosshair.x, y: box.y + crosshair.y };
  }

  #showOwn(corpus: Corpus, point: number): void {
    const isStill = () => this.#page.store.state.hovered === point;
    this.#fill(corpus.previewNow(point), corpus.preview(point), isStill);
    const facts = () => {
      const weight = corpus.weightsNow?.[point];
      const percentile = corpus.densityPercentile(point);
      const said = [denser(percentile), band(percentile)];
      if (weight !== undefined) said.push(`weight ${times(weight)} of average`);
      const source = [dot(sourceColor(corpus.source(point))), quoted(corpus.sourceName(point))];
      fill(this.#facts, [...source, ` · ${said.join(" · ")}`]);
    };
    facts();
    if (corpus.weightsNow !== null) return;
    corpus.weights().then(
      () => isStill() && facts(),
      () => undefined,
    );
  }

  #showOther({ comparison }: State, point: number): void {
    if (comparison === null) return;
    const isStill = () => this.#page.store.state.hoveredOther === point;
    this.#fill(null, this.#previewOther(comparison.snapshotId, point), isStill);
    const percentile = (comparison.cloud.values[4 * point + 3] >> 8) / 255;
    fill(this.#facts, [`In the other snapshot ${denser(percentile)} · ${band(percentile)}`]);
  }

  async #previewOther(snapshot: string, point: number): Promise<Preview> {
    const { api } = this.#page;
    const asked = this.#otherMeta.get(snapshot) ?? api.meta(snapshot);
    this.#otherMeta.set(snapshot, asked);
    asked.catch(() => this.#otherMeta.delete(snapshot));
    const { ids, previews, first_point } = await api.previews(snapshot, Math.floor(point / (await asked).chunk_rows));
    return { id: ids[point - first_point], text: previews[point - first_point] };
  }

  #fill(now: Preview | null, later: Promise<Preview>, isStill: () => boolean): void {
    if (now !== null) {
      this.#say(now.text);
      return;
    }
    this.#text.textContent = "…";
    later.then(
      ({ text }) => {
        if (!isStill()) return;
        this.#say(text);
        this.#place();
      },
      () => undefined,
    );
  }

  /** Whoever aims by keys may not see it. */
  #say(text: string): void {
    this.#text.textContent = text;
    if (this.#pointer === null) this.#page.notices.speak(text);
  }

  /** Beside what points, on the side where there is room. */
  #place(): void {
    const at = this.#anchor;
    if (at === null) return;
    const area = this.#map.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const { right, bottom } = this.#page.stage.view.covered;
    const isLeft = at.x + GAP + width > area.right - right;
    const isAbove = at.y + GAP + height > area.bottom - bottom;
    const x = Math.max(0, isLeft ? at.x - GAP - width : at.x + GAP);
    const y = Math.max(0, isAbove ? at.y - GAP - height : at.y + GAP);
    this.root.style.transform = `translate(${x}px, ${y}px)`;
  }
}
