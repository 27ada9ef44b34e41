// Dark or light, and the colours of sources and clusters as CSS variables: one change repaints every dot of the page.

import { clusterCode, css, paletteOf } from "./space/palette";
import type { State, Store, Theme } from "./state";

const KEY = "kat-ray.theme";
const THEMES: readonly Theme[] = ["system", "dark", "light"];
const CODES = 256;
const LIGHT = window.matchMedia("(prefers-color-scheme: light)");

/** Follows the state and the system; to be called before any other listener of the store. */
export function followTheme(store: Store): void {
  store.set({ theme: THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? "system" });
  store.follow((state, before) => {
    if (state.theme === before.theme && state.corpus === before.corpus) return;
    localStorage.setItem(KEY, state.theme);
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

function apply({ theme, corpus }: State): void {
  const root = document.documentElement;
  root.dataset.theme = theme === "system" ? (LIGHT.matches ? "light" : "dark") : theme;
  for (const kind of ["source", "cluster"] as const) {
    const palette = paletteOf(kind, isDark(), corpus?.meta.sources ?? []);
    for (let code = 0; code < CODES; code++) root.style.setProperty(`--${kind}-${code}`, css(palette, code));
  }
}
