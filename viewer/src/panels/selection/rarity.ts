// How rare the selected prompt is and what training does with it: in words, as a distance, and in numbers.

import type { Prompt } from "../../messages";
import { type Child, element } from "../element";
import { band, percent, times } from "../words";
import { reason } from "./reason";

const LOSS_WEIGHT =
  "The loss weight is for a trainer that draws all prompts equally often: there it scales this prompt's loss instead.";
/** Distance of unit vectors that have nothing in common. */
const UNRELATED = Math.SQRT2;

/** `typicalDistance` as in `reason`. */
export function rarity(prompt: Prompt, numPrompts: number, typicalDistance: number | null): HTMLElement {
  const { density, density_percentile: percentile, weight, edit_factors: editFactors } = prompt;
  const said = reason({ density, percentile, weight, numPrompts, typicalDistance, editFactors });
  const lead = (id: string, words: string) => element("p", { class: "lead", id }, words);
  const explained = element(
    "div",
    { id: "reason" },
    lead("rarity", said.rarity),
    ruler(1 / density, typicalDistance),
    element("p", {}, said.why),
    lead("drawing", said.drawing),
    element("p", {}, said.expected),
  );
  const head = element("h3", { id: "why-head" }, "How rare, and what training does");
  return element(
    "section",
    { class: "why", "aria-labelledby": "why-head" },
    head,
    explained,
    facts(prompt, numPrompts),
    element("p", { class: "note" }, LOSS_WEIGHT),
  );
}

/** Where the distance lies between the same text and nothing in common; the sentence after it says the same. */
function ruler(distance: number, typicalDistance: number | null): HTMLElement {
  const track = element("div", { class: "track" }, mark("here", distance));
  if (typicalDistance !== null) track.append(mark("typical", typicalDistance, "typical"));
  const ends = element("div", { class: "ends" }, element("span", {}, "same text"), element("span", {}, "unrelated"));
  return element("div", { class: "ruler", "aria-hidden": "true" }, track, ends);
}

function mark(kind: string, distance: number, ...words: string[]): HTMLElement {
  const made = element("span", { class: kind }, ...words);
  made.style.setProperty("--at", String(Math.min(1, distance / UNRELATED)));
  return made;
}

function facts(prompt: Prompt, numPrompts: number): HTMLElement {
  const { density_percentile: percentile } = prompt;
  const level = element("span", { class: "level", "aria-hidden": "true" });
  level.style.setProperty("--share", String(percentile));
  const fact = (name: string, value: Child[], note: string) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, ...value, element("span", { class: "note" }, note)));
  return element(
    "dl",
    { class: "facts" },
    fact("Denser than", [level, percent(percentile)], ` of prompts: ${band(percentile)}`),
    fact("Weight", [times(prompt.weight * numPrompts)], " of average"),
    fact("Loss weight", [times(prompt.loss_weight)], " of average"),
  );
}
