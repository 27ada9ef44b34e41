// The prompt that the address names, until it is selected, is found to be gone, or the reader selects something else.

import { ApiError } from "./connection";
import type { Corpus } from "./data/corpus";
import type { Loading } from "./loading";
import type { Page } from "./panels/page";
import { failure, isAborted } from "./panels/rights";

const KEY = "select";
/** Refusals after which the same question may be answered. */
const PASSING = [401, 429];

type Parts = Pick<Page, "api" | "store" | "notices"> & { readonly loading: Pick<Loading, "hasArrived"> };

export class DeepLink {
  readonly #page: Parts;
  #wanted: string | null = null;
  #turn = 0;

  constructor(page: Parts) {
    this.#page = page;
    page.store.follow((state, before) => {
      if (state.corpus !== before.corpus) this.resume();
      else if (state.selected !== before.selected || state.marked !== before.marked) this.select(null);
    });
  }

  /** Id of the prompt that is named and not yet selected. */
  get wanted(): string | null {
    return this.#wanted;
  }

  /** Selects a prompt by its id as soon as its point is there; null forgets the one that was wanted. */
  select(prompt: string | null): void {
    this.#wanted = prompt;
    this.resume();
  }

  /** Tries again what is wanted, if anything is. */
  resume(): void {
    const turn = ++this.#turn;
    const { corpus } = this.#page.store.state;
    if (this.#wanted === null || corpus === null || !this.#page.loading.hasArrived) return;
    void this.#find(this.#wanted, corpus, () => turn === this.#turn);
  }

  async #find(prompt: string, corpus: Corpus, isWanted: () => boolean): Promise<void> {
    const { api, store, notices } = this.#page;
    try {
      const { point } = await api.prompt(prompt, corpus.snapshotId);
      await corpus.complete;
      if (!isWanted()) return;
      this.#wanted = null;
      notices.hide(KEY);
      store.set({ selected: point });
    } catch (error) {
      // Without an answer it stays wanted, and the banner for that says why; so it does while the map is loaded again.
      if (!isWanted() || isAborted(error) || (error instanceof ApiError && error.status === null)) return;
      if (error instanceof ApiError && !PASSING.includes(error.status ?? 0)) this.#wanted = null;
      notices.show(KEY, "trouble", `The prompt of this address is not shown: ${failure(error)}`);
    }
  }
}
