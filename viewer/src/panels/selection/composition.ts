// Of which sources the marked prompts are: the largest first, many small ones folded away.

import type { Corpus } from "../../data/corpus";
import { sourceColor } from "../../theme";
import { dot } from "../dot";
import { element, quoted } from "../element";
import { count, counted, percent } from "../words";

/** So many stand in the list; of more than one beyond them, the rest is folded away. */
const LISTED = 6;

/** A source's code, and how many of the prompts are of it. */
type Size = readonly [number, number];

export function composition(corpus: Corpus, points: Uint32Array): HTMLElement[] {
  const sizes = sizesOf(corpus, points);
  const listed = sizes.length > LISTED + 1 ? LISTED : sizes.length;
  const entries = sizes.map((size) => entry(corpus, size, points.length));
  const list = element("ul", { class: "composition" }, ...entries.slice(0, listed));
  if (listed === sizes.length) return [list];
  const rest = sizes.slice(listed).reduce((sum, [, size]) => sum + size, 0);
  const number = element("span", { class: "number" }, share(rest, points.length));
  const summary = element("summary", {}, counted(sizes.length - listed, "more source"), number);
  const folded = element("ul", { class: "composition" }, ...entries.slice(listed));
  return [list, element("details", { class: "rest" }, summary, folded)];
}

function sizesOf(corpus: Corpus, points: Uint32Array): Size[] {
  const sizes = new Map<number, number>();
  for (const point of points) sizes.set(corpus.source(point), (sizes.get(corpus.source(point)) ?? 0) + 1);
  return [...sizes].sort(([, a], [, b]) => b - a);
}

function entry(corpus: Corpus, [code, size]: Size, total: number): HTMLElement {
  const bar = element("span", { class: "level", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(size / total));
  bar.style.setProperty("--accent", sourceColor(code));
  const name = corpus.meta.sources.find((source) => source.code === code)?.name ?? "other";
  const number = element("span", { class: "number" }, share(size, total));
  return element("li", {}, dot(sourceColor(code)), quoted(name, "name"), number, bar);
}

function share(size: number, total: number): string {
  return `${count(size)} · ${percent(size / total, 0)}`;
}
