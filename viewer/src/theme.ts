// Dark or light, and the colours of the map as CSS variables: one change repaints every dot and scale of the page.

import { COMPARISON_CODES, comparisonPalette } from "./draw/scene";
import { clusterCode, css, NUM_CLUSTER_HUES, type Palette, paletteOf } from "./space/palette";
import type { ColorBy, State, Store, Theme } from "./state";
import { Kept } from "./storage";

const kept = new Kept(() => window.localStorage, "kat-ray.theme");
const THEMES: readonly Theme[] = ["system", "dark", "light"];
const SCALES = ["density", "weight", "ratio"] as const;
const LIGHT = window.matchMedia("(prefers-color-scheme: light)");

/** Follows the state and the system; to be called before anything else that shows what the store holds. */
export function followTheme(store: Store): void {
  store.set({ theme: THEMES.find((theme) => theme === kept.value) ?? "system" });
  store.follow((state, before) => {
    if (state.theme === before.theme && state.corpus === before.corpus) return;
    kept.value = state.theme;
    apply(state);
  });
  LIGHT.addEventListener("change", () => apply(store.state));
  apply(store.state);
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  return document.documentElement.dataset.theme === "dark";
}

/** The CSS colour of a source's code. */
export function sourceColor(code: number): string {
  return `var(--source-${code})`;
}

/** The CSS colour of a cluster's label. */
export function clusterColor(label: number): string {
  return `var(--cluster-${clusterCode(label)})`;
}

/** A CSS background of the colours of a scale, from its lowest to its highest value; of kinds, in bands by their size. */
export function scaleColors(colorBy: ColorBy | "ratio"): string {
  return `var(--scale-${colorBy})`;
}

/** The CSS colour of a comparison's points: of prompts that both snapshots have, or only one of them. */
export function comparisonColor(kind: keyof typeof COMPARISON_CODES): string {
  return `var(--comparison-${COMPARISON_CODES[kind]})`;
}

function apply({ theme, corpus }: State): void {
  const root = document.documentElement;
  root.dataset.theme = theme === "system" ? (LIGHT.matches ? "light" : "dark") : theme;
  const paint = (kind: "source" | "cluster", codes: Iterable<number>) => {
    const palette = paletteOf(kind, isDark(), corpus?.meta.sources ?? []);
    for (const code of codes) root.style.setProperty(`--${kind}-${code}`, css(palette, code));
  };
  paint("source", corpus?.meta.sources.map(({ code }) => code) ?? []);
  paint("cluster", Array(NUM_CLUSTER_HUES).keys());
  for (const kind of SCALES) root.style.setProperty(`--scale-${kind}`, gradient(paletteOf(kind, isDark(), [])));
  const sources = [...(corpus?.meta.sources ?? [])].sort((a, b) => b.size - a.size);
  root.style.setProperty("--scale-source", bands(sources.map(({ code, size }) => [sourceColor(code), size])));
  const hues = Array.from({ length: NUM_CLUSTER_HUES }, (_, label): [string, number] => [clusterColor(label), 1]);
  root.style.setProperty("--scale-cluster", bands(hues));
  const shared = comparisonPalette(isDark());
  for (const code of Object.values(COMPARISON_CODES)) root.style.setProperty(`--comparison-${code}`, css(shared, code));
}

function gradient(palette: Palette): string {
  const stops = Array.from({ length: 17 }, (_, stop) => css(palette, Math.min(255, stop * 16)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** Colours side by side, each as wide as its size. */
function bands(colors: readonly (readonly [color: string, size: number])[]): string {
  const total = colors.reduce((sum, [, size]) => sum + size, 0);
  let end = 0;
  const stops = colors.map(([color, size]) => {
    const start = end;
    end += (100 * size) / total;
    return `${color} ${start.toFixed(2)}% ${end.toFixed(2)}%`;
  });
  return stops.length < 2 ? (colors[0]?.[0] ?? "none") : `linear-gradient(to right, ${stops.join(", ")})`;
}
