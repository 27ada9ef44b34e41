// A dot in the colour that a source has on the map.

import type { Store } from "../state";
import { sourceColor } from "../theme";
import { element } from "./element";

const OTHERS = 255;

/** By the name of a source of the snapshot on the map. */
export function sourceDot(store: Store, name: string): HTMLElement {
  const code = store.state.corpus?.meta.sources.find((source) => source.name === name)?.code ?? OTHERS;
  return dot(sourceColor(code));
}

export function dot(color: string): HTMLElement {
  const made = element("span", { class: "dot", "aria-hidden": "true" });
  made.style.setProperty("--color", color);
  return made;
}
