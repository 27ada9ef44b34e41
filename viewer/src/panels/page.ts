// What a panel reaches besides the store: the service, the map, and the places where it says something.

import type { Api } from "../api";
import type { Corpus } from "../data/corpus";
import type { Stage } from "../draw/stage";
import type { Prompt } from "../messages";
import type { State, Store } from "../state";
import type { Notices } from "./notices";

export interface Page {
  readonly store: Store;
  readonly api: Api;
  readonly stage: Stage;
  readonly notices: Notices;
  /** Asks for another token. */
  readonly renewToken: () => Promise<void>;
  /** Searches by meaning for what is like a prompt, in the panel for it. */
  readonly findSimilar: (prompt: Pick<Prompt, "id" | "text">) => void;
}

/** Whether a snapshot is still the one on the map: what was asked of another one is of no use any more. */
export function isShown(page: Page, corpus: Corpus | null): boolean {
  return page.store.state.corpus === corpus;
}

/** Calls when one of these values is another one than before, and once at the start. */
export function watch(store: Store, keys: readonly (keyof State)[], render: (state: State) => void): void {
  render(store.state);
  store.follow((state, before) => {
    if (keys.some((key) => !Object.is(state[key], before[key]))) render(state);
  });
}
