// How the points look: colour, size, opacity, and what stands around them.

import { css, paletteOf } from "../space/palette";
import type { ColorBy, State } from "../state";
import { isDark } from "../theme";
import { element } from "./element";
import { type Page, watch } from "./page";

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
const ENDS: Partial<Record<ColorBy, readonly [string, string]>> = {
  density: ["rare", "crowded"],
  weight: ["drawn less", "drawn more"],
};

export function appearance(page: Page): HTMLElement {
  return element(
    "section",
    { class: "appearance", "aria-labelledby": "appearance-head" },
    element("h2", { id: "appearance-head" }, "Appearance"),
    colors(page),
    scale(page),
    slider(page, "sizeFactor", "Point size", 0.1, 5, (size) => `${size.toFixed(1)}×`),
    slider(page, "opacity", "Opacity", 0.1, 1, (opacity) => opacity.toFixed(1)),
    element("div", { class: "checks" }, ...SWITCHES.map(([name, label]) => box(page, name, label))),
  );
}

function colors(page: Page): HTMLElement {
  const buttons = COLORS.map(([colorBy, label]) => {
    const choose = () => page.store.set({ colorBy });
    const input = element("input", { type: "radio", name: "color", value: colorBy, onchange: choose });
    watch(page.store, ["colorBy"], (state) => {
      input.checked = state.colorBy === colorBy;
    });
    return element("label", {}, input, element("span", {}, label));
  });
  return element("fieldset", { class: "choice" }, element("legend", {}, "Colour by"), ...buttons);
}

/** What the colours mean, where they are a scale. */
function scale(page: Page): HTMLElement {
  const strip = element("div", { class: "strip" });
  const [low, high] = [element("span"), element("span")];
  const made = element("div", { class: "scale" }, strip, element("div", { class: "ends" }, low, high));
  watch(page.store, ["colorBy", "theme"], ({ colorBy }) => {
    const ends = ENDS[colorBy];
    made.hidden = ends === undefined;
    if (ends === undefined) return;
    [low.textContent, high.textContent] = ends;
    strip.style.background = gradient(colorBy);
  });
  return made;
}

/** The colours of a scale from its lowest to its highest code. */
export function gradient(colorBy: ColorBy | "ratio"): string {
  const palette = paletteOf(colorBy, isDark(), []);
  const stops = Array.from({ length: 17 }, (_, stop) => css(palette, Math.min(255, stop * 16)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
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
