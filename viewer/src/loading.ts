// Brings the snapshot that the state names onto the map, and says what keeps it from coming.

import { ApiError } from "./connection";
import { Corpus } from "./data/corpus";
import type { Page } from "./panels/page";
import { hidesClusters } from "./space/filter";
import { INITIAL, type State } from "./state";

const KEY = "loading";
const RETRY_MILLISECONDS = 3_000;
/** Building the page holds up what arrives meanwhile: it waits so long for points that come sooner. */
const HEAD_START_MILLISECONDS = 100;
/** A map that is whole so soon is drawn once, and not first its beginning. */
const BLINK_MILLISECONDS = 80;
const EMPTY = "This page looks again by itself. If the store is empty, python -m jobs.build makes its first snapshot.";

type Parts = Pick<Page, "api" | "store" | "notices">;

export class Loading {
  readonly #page: Parts;
  #abort = new AbortController();
  #timer = 0;
  #hasArrived = false;
  #isUnderWay = false;
  #begun: Promise<Corpus> | null = null;

  constructor(page: Parts) {
    this.#page = page;
    page.store.follow((state, before) => {
      if (state.pinnedSnapshot === before.pinnedSnapshot) return;
      this.#begun = null;
      void this.load();
    });
  }

  /** Asks for what the first `load` shows; resolves when it is there, cannot come, or takes longer than a moment. */
  async begin(): Promise<void> {
    this.#begun = this.#ask();
    // What keeps it from coming is told by `load`.
    const there = this.#begun.then(({ complete }) => complete).catch(() => undefined);
    await Promise.race([there, pause(HEAD_START_MILLISECONDS)]);
  }

  /** Whether what the state names is on the map, or its first points are. */
  get hasArrived(): boolean {
    return this.#hasArrived;
  }

  /** Loads what is wanted now; what was under way before is ended. */
  async load(): Promise<void> {
    const asked = this.#begun ?? this.#ask();
    this.#begun = null;
    const { signal } = this.#abort;
    const { store, notices } = this.#page;
    window.clearTimeout(this.#timer);
    this.#isUnderWay = true;
    try {
      const corpus = await asked;
      await Promise.race([corpus.complete, pause(BLINK_MILLISECONDS)]);
      if (signal.aborted) return;
      this.#hasArrived = true;
      notices.hide(KEY);
      store.set(arrival(store.state, corpus));
      if (hidesClusters(store.state.filter)) await this.#fetchClusters(corpus);
      await corpus.complete;
    } catch (error) {
      if (!signal.aborted) this.#explain(error);
    } finally {
      if (!signal.aborted) this.#isUnderWay = false;
    }
  }

  #ask(): Promise<Corpus> {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#hasArrived = false;
    const { signal } = this.#abort;
    const { api, store } = this.#page;
    const announce = () => {
      const { corpus } = store.state;
      if (!signal.aborted && this.#hasArrived && corpus !== null) store.set({ loaded: corpus.cloud.loaded });
    };
    return Corpus.load(api, store.state.pinnedSnapshot, announce, signal);
  }

  /** Loads again what did not come to its end, and what the state names now where another map is whole meanwhile. */
  resume(): void {
    const { corpus, filter } = this.#page.store.state;
    const isLacking = !this.#hasArrived && !this.#isUnderWay;
    if (corpus === null || corpus.cloud.loaded < corpus.cloud.numPoints || isLacking) void this.load();
    else if (corpus.clustersNow === null && hidesClusters(filter)) {
      this.#fetchClusters(corpus).catch((error) => this.#explain(error));
    }
  }

  /** A filter by cluster came with the address, before the labels were there. */
  async #fetchClusters(corpus: Corpus): Promise<void> {
    await corpus.clusters();
    this.#page.store.set({ filter: { ...this.#page.store.state.filter } });
  }

  #explain(error: unknown): void {
    const { notices } = this.#page;
    const again = { label: "Try again", run: () => void this.load() };
    if (!(error instanceof ApiError)) {
      notices.show(KEY, "trouble", error instanceof Error ? error.message : "The map could not be read.", [again]);
    } else if (error.status === 401) {
      notices.show(KEY, "trouble", "The map needs a token.", [{ label: "Enter a token", run: again.run }]);
    } else if (error.status === 503) {
      notices.show(KEY, "information", `${error.detail} ${EMPTY}`);
      this.#timer = window.setTimeout(() => void this.load(), RETRY_MILLISECONDS);
    } else if (error.status !== null) {
      notices.show(KEY, "trouble", error.detail, [...this.#wayBack(), again]);
    }
  }

  /** Without an answer nothing is said here: the banner for that says it, and loads again. */
  #wayBack(): { label: string; run: () => void }[] {
    const { store } = this.#page;
    if (store.state.pinnedSnapshot === null) return [];
    return [{ label: "Show the current snapshot", run: () => store.set({ pinnedSnapshot: null }) }];
  }
}

/** Points keep their numbers between versions of one map, such as a snapshot and its edits: marks stay then. */
function arrival(state: State, corpus: Corpus): Partial<State> {
  const loaded = { corpus, loaded: corpus.cloud.loaded, hovered: null };
  const before = state.corpus;
  if (before === null) return loaded;
  const names = (of: Corpus) =>
    JSON.stringify([of.meta.num_points, of.meta.level_ends, of.meta.bounds, of.meta.sources]);
  if (names(before) === names(corpus)) return { ...loaded, comparison: null };
  const filter = { ...INITIAL.filter, density: state.filter.density };
  return { ...loaded, filter, selected: null, neighbors: [], marked: null, comparison: null, placed: [] };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => window.setTimeout(resolve, milliseconds));
}
