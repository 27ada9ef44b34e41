// How the points look: colour, size, opacity, and what stands around them.

import type { ColorBy, State } from "../../state";
import { scaleColors } from "../../theme";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { foldable } from "./section";

type Switch = "showLabels" | "showGrid" | "rotation";

const COLORS: readonly (readonly [ColorBy, string])[] = [
  ["source", "Source"],
  ["density", "Density"],
  ["weight", "Weight"],
  ["cluster", "Cluster"],
];
const SWITCHES: readonly (readonly [Switch, string])[] = [
  ["showLabels", "Labels"],
  ["showGrid", "Grid"],
  ["rotation", "Rotation"],
];
/** What colours mean: the ends and the middle of a scale, or how kinds are told apart. */
const MEANINGS: Readonly<Record<ColorBy, readonly string[]>> = {
  source: ["as in the list of sources, by size"],
  cluster: ["by cluster; far ones may share a colour"],
  density: ["very rare", "median", "very common"],
  weight: ["half as often or less", "×1", "twice or more"],
};

export function appearance(page: Page): HTMLElement {
  return foldable(
    { name: "appearance", title: "Appearance", isOpen: true },
    slider(page, "sizeFactor", "Point size", 0.1, 5, (size) => `${size.toFixed(1)}×`),
    slider(page, "opacity", "Opacity", 0.1, 1, (opacity) => opacity.toFixed(1)),
    element("div", { class: "checks" }, ...SWITCHES.map(([name, label]) => box(page, name, label))),
  );
}

/** What the colours say, to be chosen, and what they mean; `name` tells apart the places where it is chosen. */
export function colorChoice(page: Page, name: string): HTMLElement {
  const buttons = COLORS.map(([colorBy, label]) => {
    const choose = () => page.store.set({ colorBy });
    const input = element("input", { type: "radio", name, value: colorBy, onchange: choose });
    watch(page.store, ["colorBy"], (state) => {
      input.checked = state.colorBy === colorBy;
    });
    return element("label", {}, input, element("span", {}, label));
  });
  const choice = element("fieldset", { class: "choice" }, element("legend", {}, "Colour by"), ...buttons);
  return element("div", { class: "colors" }, choice, scale(page));
}

/** Always as high, so that nothing below it moves. */
function scale(page: Page): HTMLElement {
  const [strip, ends] = [element("div", { class: "strip" }), element("div", { class: "ends" })];
  watch(page.store, ["colorBy"], ({ colorBy }) => {
    const meanings = MEANINGS[colorBy].map((meaning) => element("span", {}, meaning));
    fill(ends, meanings);
    strip.style.background = scaleColors(colorBy);
  });
  return element("div", { class: "scale" }, strip, ends);
}

function slider(
  page: Page,
  name: "sizeFactor" | "opacity",
  label: string,
  min: number,
  max: number,
  say: (value: number) => string,
): HTMLElement {
  const id = name === "opacity" ? "opacity" : "size";
  const input = element("input", { type: "range", id, min, max, step: 0.1 });
  const said = element("output", { for: id, class: "number" });
  input.addEventListener("input", () => page.store.set({ [name]: Number(input.value) } as Partial<State>));
  watch(page.store, [name], (state) => {
    input.value = String(state[name]);
    said.textContent = say(state[name]);
  });
  return element("div", { class: "slider" }, element("label", { for: id }, label), said, input);
}

function box(page: Page, name: Switch, label: string): HTMLElement {
  const input = element("input", { type: "checkbox" });
  input.addEventListener("change", () => page.store.set({ [name]: input.checked } as Partial<State>));
  watch(page.store, [name], (state) => {
    input.checked = state[name];
  });
  return element("label", { class: "check" }, input, label);
}
