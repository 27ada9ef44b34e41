// What is shown and pointed at, as one immutable value that the map and the panels follow. Knows neither of them.

import type { Comparison } from "./data/comparison";
import type { Corpus } from "./data/corpus";
import type { ServiceInfo } from "./messages";

export type ColorBy = "source" | "density" | "weight" | "cluster";
export type Mode = "explore" | "sampling" | "compare";
export type Theme = "system" | "dark" | "light";
/** Another snapshot beside this one: its points over these, or how its density differs, as colour. */
export type ComparisonView = "overlay" | "ratio";

/** Which points are shown; all conditions hold together. */
export interface Filter {
  /** Codes of sources that are hidden. */
  readonly hiddenSources: ReadonlySet<number>;
  /** Lowest and highest density percentile shown, 0 to 1. */
  readonly density: readonly [number, number];
  readonly clusters: ClusterFilter;
}

/** Clusters by label: these alone, or all but these, so that of thousands neither is a long list. */
export interface ClusterFilter {
  readonly isOnly: boolean;
  readonly labels: ReadonlySet<number>;
}

/** A text that is not of the snapshot, where it falls on the map. */
export interface PlacedText {
  readonly text: string;
  /** In the coordinates of the layout, [-1, 1]. */
  readonly position: readonly [number, number, number];
  readonly densityPercentile: number;
  /** Its own prompt of the snapshot, where the text came with an id that the map has. */
  readonly point: number | null;
  /** Of the first or of the second file, such as outputs before and after a training. */
  readonly set: 0 | 1;
  /** The prompt that is nearest in meaning. */
  readonly nearest: { readonly id: string; readonly distance: number } | null;
}

export interface State {
  /** What the service announces of itself and of what this caller may; null until it did. */
  readonly service: ServiceInfo | null;
  /** Times that the service came back after it was away: whoever lacks something asks for it again. */
  readonly returns: number;
  /** The snapshot on the map; null while the first one loads. */
  readonly corpus: Corpus | null;
  /** Points of the corpus that are there so far; grows level by level. */
  readonly loaded: number;
  /** The address named this snapshot; null follows the current one. */
  readonly pinnedSnapshot: string | null;
  /** The snapshot that this page made current last. */
  readonly published: string | null;

  readonly mode: Mode;
  readonly colorBy: ColorBy;
  /** 0.1 to 5. */
  readonly sizeFactor: number;
  /** 0.1 to 1. */
  readonly opacity: number;
  readonly filter: Filter;
  readonly theme: Theme;
  readonly showLabels: boolean;
  readonly showGrid: boolean;
  /** Whether the map turns when nobody touches it. */
  readonly rotation: boolean;

  /** What the pointer does on the map. */
  readonly tool: "navigate" | "lasso";
  /** The last line drawn round prompts enclosed none. */
  readonly hasMissed: boolean;
  /** Points by number in the cloud; 0 is one of them, so test for null. */
  readonly hovered: number | null;
  /** Point of the comparison's own cloud under the pointer. */
  readonly hoveredOther: number | null;
  readonly selected: number | null;
  /** Neighbors of the selected point, nearest first, as links on the map. */
  readonly neighbors: readonly number[];
  /** Points that a lasso, a cluster or a search marked, ascending; null when nothing is marked. */
  readonly marked: Uint32Array | null;

  /** Sampling view: power as a multiple of the snapshot's own; 0 is uniform, 1 the snapshot's weights. */
  readonly strength: number;
  /** Sampling view: draws shown, as a share of the number of prompts. */
  readonly drawShare: number;

  readonly comparison: Comparison | null;
  readonly comparisonView: ComparisonView;
  readonly placed: readonly PlacedText[];
}

export const INITIAL: State = {
  service: null,
  returns: 0,
  corpus: null,
  loaded: 0,
  pinnedSnapshot: null,
  published: null,
  mode: "explore",
  colorBy: "source",
  sizeFactor: 1,
  opacity: 1,
  filter: { hiddenSources: new Set(), density: [0, 1], clusters: { isOnly: false, labels: new Set() } },
  theme: "system",
  showLabels: true,
  showGrid: true,
  rotation: true,
  tool: "navigate",
  hasMissed: false,
  hovered: null,
  hoveredOther: null,
  selected: null,
  neighbors: [],
  marked: null,
  strength: 1,
  drawShare: 0.05,
  comparison: null,
  comparisonView: "overlay",
  placed: [],
};

/** Whether somebody works with a part of the map, which must not move meanwhile. */
export function isInUse({ selected, marked, mode, comparison, placed, tool }: State): boolean {
  const isCompared = mode === "compare" && (comparison !== null || placed.length > 0);
  return selected !== null || marked !== null || tool === "lasso" || isCompared;
}

type Listener = (state: State, before: State) => void;

/** Holds the state; listeners hear of each change once, in the order in which they came. */
export class Store {
  #state: State;
  readonly #listeners = new Set<Listener>();

  constructor(state: State = INITIAL) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  /** Changes some values; without a difference nobody hears of it. */
  set(change: Partial<State>): void {
    const before = this.#state;
    const keys = Object.keys(change) as (keyof State)[];
    if (keys.every((key) => Object.is(before[key], change[key]))) return;
    this.#state = { ...before, ...change };
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  /** Follow the state; returns what ends it. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
