// What is drawn of the state: the points of the corpus, and over them those of a comparison.

import type { Cloud } from "../data/cloud";
import { type Comparison, NOT_SHARED } from "../data/comparison";
import { type Columns, sizes, writeCodes } from "../space/encoding";
import { draws } from "../space/exposure";
import { visiblePoints } from "../space/filter";
import { type Coloring, type Palette, paletteOf } from "../space/palette";
import { INITIAL, type State } from "../state";
import type { PointLayer } from "./renderer";

/** One cloud as it is drawn. */
class Points implements PointLayer {
  readonly cloud: Cloud;
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly codes: Uint16Array<ArrayBuffer>;
  count = 0;
  radii = sizes(false);
  palette: Palette = new Uint8Array(3 * 256);
  readonly versions = { codes: 0, indices: 0 };

  constructor(cloud: Cloud) {
    this.cloud = cloud;
    this.indices = new Uint32Array(cloud.numPoints);
    this.codes = new Uint16Array(cloud.numPoints);
  }

  get values(): Uint16Array<ArrayBuffer> {
    return this.cloud.values;
  }

  get loaded(): number {
    return this.cloud.loaded;
  }
}

const PLAIN: Columns = { weights: null, clusters: null, ratios: null, copies: null, marks: null };

/** Colours of a comparison's points: those that both have, those that only the other has, and those that it lacks. */
export const COMPARISON_CODES = { shared: 0, new: 1, gone: 2 } as const;

export class Scene {
  own: Points | null = null;
  other: Points | null = null;
  /** What there is of both; of two points at one place that of the first is seen. */
  layers: readonly Points[] = [];
  /** Milliseconds that the last filter took. */
  lastFilter = 0;
  readonly #onColumn: () => void;
  readonly #onTrouble: (sentence: string | null) => void;
  #columns: Columns = PLAIN;
  #encoded = 0;
  #isTroubled = false;
  /** Counts how often columns were looked up: what was waited for before is of no use any more. */
  #turn = 0;

  /** `onColumn` is called when a column arrived that colours were waiting for, `onTrouble` when it did not. */
  constructor(onColumn: () => void, onTrouble: (sentence: string | null) => void) {
    this.#onColumn = onColumn;
    this.#onTrouble = onTrouble;
  }

  /** Points that are shown. */
  get total(): number {
    return (this.own?.count ?? 0) + (this.other?.count ?? 0);
  }

  /** Follows the state; whether points look different now. */
  update(state: State, before: State, isDark: boolean): boolean {
    if (state.corpus !== before.corpus) this.#adopt(state);
    const { own } = this;
    if (own === null || state.corpus === null) return false;
    const isBack = this.#isTroubled && state.returns !== before.returns;
    const isRecoded = state.corpus !== before.corpus || isBack || differs(state, before, ENCODED);
    const isFiltered = state.corpus !== before.corpus || differs(state, before, FILTERED);
    if (differs(state, before, COMPARED)) this.#compare(state, isDark);
    this.#list();
    if (isFiltered) this.#filter(own, state);
    if (isRecoded) this.encode(state, isDark);
    else if (own.cloud.loaded > this.#encoded) this.#extend(own, state);
    return isRecoded || isFiltered;
  }

  /** Writes all colours and sizes anew. */
  encode(state: State, isDark: boolean): void {
    const { own } = this;
    if (own === null || state.corpus === null) return;
    this.#encoded = 0;
    own.radii = sizes(state.mode === "sampling" && state.corpus.weightsNow !== null);
    own.palette = paletteOf(colorOf(state), isDark, state.corpus.meta.sources);
    this.#columns = this.#columnsOf(state);
    this.#extend(own, state);
    if (this.other !== null) this.#compare(state, isDark);
  }

  #adopt({ corpus }: State): void {
    this.own = corpus === null ? null : new Points(corpus.cloud);
    this.other = null;
    this.#encoded = 0;
  }

  #list(): void {
    const layers = [this.other, this.own].filter((layer) => layer !== null);
    if (layers.length === this.layers.length && layers.every((layer, at) => layer === this.layers[at])) return;
    this.layers = layers;
  }

  #extend(own: Points, state: State): void {
    const { loaded } = own.cloud;
    writeCodes(own.cloud, colorOf(state), this.#columns, own.codes, this.#encoded, loaded);
    this.#encoded = loaded;
    own.versions.codes++;
  }

  #filter(own: Points, state: State): void {
    const start = performance.now();
    own.count = visiblePoints(own.cloud, state.filter, state.corpus?.clustersNow ?? null, own.indices);
    this.lastFilter = performance.now() - start;
    own.versions.indices++;
  }

  /** The columns that there are; those that lack are asked for, and what they colour is neutral until then. */
  #columnsOf(state: State): Columns {
    const { corpus, mode, comparison } = state;
    if (corpus === null) return PLAIN;
    const [color, isSampling] = [colorOf(state), mode === "sampling"];
    const lacking: Promise<unknown>[] = [];
    if ((color === "weight" || isSampling) && corpus.weightsNow === null) lacking.push(corpus.weights());
    if (color === "cluster" && corpus.clustersNow === null) lacking.push(corpus.clusters());
    this.#await(lacking);
    const weights = corpus.weightsNow;
    const copies =
      isSampling && weights !== null ? draws(weights, state.strength, state.drawShare * weights.length) : null;
    const ratios = comparison?.ratios ?? null;
    return {
      weights,
      clusters: corpus.clustersNow,
      ratios,
      copies,
      marks: isSampling ? null : marksOf(state),
    };
  }

  #await(columns: readonly Promise<unknown>[]): void {
    const turn = ++this.#turn;
    if (columns.length === 0) this.#calm();
    const arrived = () => {
      this.#calm();
      this.#onColumn();
    };
    const failed = () => {
      this.#isTroubled = true;
      this.#onTrouble("What these colours show did not arrive. Choose them again to ask for it again.");
    };
    const ifWanted = (tell: () => void) => () => {
      if (turn === this.#turn) tell();
    };
    for (const column of columns) column.then(ifWanted(arrived), ifWanted(failed));
  }

  #calm(): void {
    if (this.#isTroubled) this.#onTrouble(null);
    this.#isTroubled = false;
  }

  #compare({ mode, comparison, comparisonView }: State, isDark: boolean): void {
    if (mode !== "compare" || comparison === null || comparisonView !== "overlay") {
      this.other = null;
      return;
    }
    const other = this.other?.cloud === comparison.cloud ? this.other : new Points(comparison.cloud);
    other.count = visiblePoints(other.cloud, INITIAL.filter, null, other.indices);
    writeCodes(other.cloud, "source", PLAIN, other.codes, 0, other.cloud.loaded);
    for (let point = 0; point < other.codes.length; point++) {
      const code = comparison.same[point] === NOT_SHARED ? COMPARISON_CODES.new : COMPARISON_CODES.shared;
      other.codes[point] = (other.codes[point] & 0xff00) | code;
    }
    other.palette = comparisonPalette(isDark);
    other.versions.codes++;
    other.versions.indices++;
    this.other = other;
  }
}

const ENCODED = ["mode", "colorBy", "marked", "strength", "drawShare", "comparison", "comparisonView"] as const;
const FILTERED = ["filter", "loaded"] as const;
const COMPARED = ["mode", "comparison", "comparisonView"] as const;

function differs(state: State, before: State, names: readonly (keyof State)[]): boolean {
  return names.some((name) => state[name] !== before[name]);
}

function colorOf({ mode, comparison, comparisonView, colorBy }: State): Coloring {
  if (mode !== "compare" || comparison === null) return colorBy;
  return comparisonView === "ratio" ? "ratio" : "none";
}

/** 1 for marked points, or under a comparison's points for those that it lacks; null while all are equal. */
function marksOf(state: State): Uint8Array | null {
  const { marked, corpus, comparison } = state;
  if (comparison !== null && colorOf(state) === "none") return marksOfGone(comparison, state);
  if (marked === null || corpus === null) return null;
  const marks = new Uint8Array(corpus.cloud.numPoints);
  for (const point of marked) marks[point] = 1;
  return marks;
}

function marksOfGone({ same }: Comparison, { corpus }: State): Uint8Array {
  const marks = new Uint8Array(corpus?.cloud.numPoints ?? 0).fill(1);
  for (const point of same) if (point !== NOT_SHARED) marks[point] = 0;
  return marks;
}

/** Blue and orange, as ratios are coloured: what both have, and what is new; grey for what is gone. */
export function comparisonPalette(isDark: boolean): Palette {
  const ratios = paletteOf("ratio", isDark, []);
  const palette = new Uint8Array(3 * 256);
  palette.set(ratios.subarray(0, 3), 3 * COMPARISON_CODES.shared);
  palette.set(ratios.subarray(3 * 255), 3 * COMPARISON_CODES.new);
  palette.set(paletteOf("none", isDark, []).subarray(0, 3), 3 * COMPARISON_CODES.gone);
  return palette;
}
