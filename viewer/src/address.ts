// The address of what is shown: camera, filters, selection, mode and snapshot, never a text. Rubbish in it is ignored.

import type { DeepLink } from "./deeplink";
import type { Stage } from "./draw/stage";
import type { CameraPose } from "./space/camera";
import type { ClusterFilter, ColorBy, ComparisonView, Mode, State, Store } from "./state";
import { INITIAL } from "./state";

/** What an address holds; what it does not name is as at the start. */
export interface View {
  readonly state: Partial<State>;
  /** Id of the selected prompt: numbers of points differ between snapshots. */
  readonly prompt: string | null;
  readonly pose: CameraPose | null;
}

const ID = /^[0-9a-f]{16}$/;
const COLORS: readonly ColorBy[] = ["source", "density", "weight", "cluster"];
const MODES: readonly Mode[] = ["explore", "sampling", "compare"];
const VIEWS: readonly ComparisonView[] = ["overlay", "ratio"];
const PAUSE_MILLISECONDS = 250;

/** The part of an address after "#"; equal views have equal ones. */
export function encode(state: State, prompt: string | null, pose: CameraPose | null): string {
  const said = new URLSearchParams();
  const put = (name: string, value: string | number, usual: string | number) => {
    if (value !== usual) said.set(name, String(value));
  };
  put("snapshot", state.pinnedSnapshot ?? "", "");
  put("prompt", prompt ?? "", "");
  put("mode", state.mode, INITIAL.mode);
  put("color", state.colorBy, INITIAL.colorBy);
  put("size", state.sizeFactor, INITIAL.sizeFactor);
  put("opacity", state.opacity, INITIAL.opacity);
  put("hide", ascending(state.filter.hiddenSources), "");
  put("density", state.filter.density.join("-"), INITIAL.filter.density.join("-"));
  const { isOnly, labels } = state.filter.clusters;
  if (isOnly || labels.size > 0) said.set(isOnly ? "cluster" : "hideclusters", ascending(labels));
  put("strength", state.strength, INITIAL.strength);
  put("draws", state.drawShare, INITIAL.drawShare);
  put("view", state.comparisonView, INITIAL.comparisonView);
  put("labels", Number(state.showLabels), Number(INITIAL.showLabels));
  put("grid", Number(state.showGrid), Number(INITIAL.showGrid));
  put("rotation", Number(state.rotation), Number(INITIAL.rotation));
  if (pose !== null) {
    said.set(
      "camera",
      [pose.yaw, pose.pitch, pose.distance, ...pose.target].map((value) => +value.toFixed(3)).join("_"),
    );
  }
  return said.toString();
}

export function decode(hash: string): View {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const word = (name: string, form: RegExp) => (form.test(said.get(name) ?? "") ? said.get(name) : null);
  const isOn = (name: string, usual: boolean) => (word(name, /^[01]$/) === null ? usual : said.get(name) === "1");
  const state: Partial<State> = {
    pinnedSnapshot: word("snapshot", ID),
    mode: among(MODES, said.get("mode"), INITIAL.mode),
    colorBy: among(COLORS, said.get("color"), INITIAL.colorBy),
    sizeFactor: between(said.get("size"), 0.1, 5, INITIAL.sizeFactor),
    opacity: between(said.get("opacity"), 0.1, 1, INITIAL.opacity),
    filter: {
      hiddenSources: new Set(numbers(said.get("hide"), ".").filter((code) => Number.isInteger(code) && code < 256)),
      density: range(said.get("density")),
      clusters: clusters(said.get("cluster"), said.get("hideclusters")),
    },
    strength: between(said.get("strength"), 0, 4, INITIAL.strength),
    drawShare: between(said.get("draws"), 0.001, 1, INITIAL.drawShare),
    comparisonView: among(VIEWS, said.get("view"), INITIAL.comparisonView),
    showLabels: isOn("labels", INITIAL.showLabels),
    showGrid: isOn("grid", INITIAL.showGrid),
    rotation: isOn("rotation", INITIAL.rotation),
  };
  return { state, prompt: word("prompt", ID), pose: pose(said.get("camera")) };
}

/** Keeps the address and what is shown the same, whichever of them changes. */
export class Address {
  readonly #store: Store;
  readonly #stage: Stage;
  readonly #link: Pick<DeepLink, "select" | "wanted">;
  #timer = 0;
  #written: string | null = null;

  /** `link` selects the prompt that an address names. */
  constructor(store: Store, stage: Stage, link: Pick<DeepLink, "select" | "wanted">) {
    this.#store = store;
    this.#stage = stage;
    this.#link = link;
    store.follow(() => this.#soon());
    stage.onPose(() => this.#soon());
    window.addEventListener("hashchange", () => {
      if (window.location.hash.slice(1) !== this.#written) this.read(true);
    });
  }

  /** Shows what the address says. */
  read(isAnimated = false): void {
    const view = decode(window.location.hash);
    const { selected } = this.#store.state;
    this.#store.set({ ...view.state, selected: view.prompt === null ? null : selected });
    if (view.pose !== null) this.#stage.setPose(view.pose, isAnimated);
    this.#link.select(view.prompt);
  }

  /** The address of what is shown, with its snapshot, for other people. */
  link(prompt: string): string {
    const { state } = this.#store;
    const pinned = { ...state, pinnedSnapshot: state.corpus?.snapshotId ?? state.pinnedSnapshot };
    return `${window.location.href.split("#")[0]}#${encode(pinned, prompt, this.#stage.pose)}`;
  }

  #soon(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#write(), PAUSE_MILLISECONDS);
  }

  /** Nothing is written before the first snapshot is there, nor while the id of the selected prompt does not come: what
   * the address asks for would be lost.
   */
  async #write(): Promise<void> {
    const { corpus, selected } = this.#store.state;
    if (corpus === null) return;
    const before = window.location.hash;
    const own = selected === null ? null : await corpus.preview(selected).catch(() => undefined);
    const { state } = this.#store;
    const isLate = state.corpus !== corpus || state.selected !== selected || window.location.hash !== before;
    if (own === undefined || isLate) return;
    const prompt = this.#link.wanted ?? own?.id ?? null;
    this.#written = encode(this.#store.state, prompt, this.#stage.pose);
    window.history.replaceState(null, "", `#${this.#written}`);
  }
}

function among<Word extends string>(words: readonly Word[], said: string | null, usual: Word): Word {
  return words.find((word) => word === said) ?? usual;
}

function numbers(said: string | null, mark: string): number[] {
  const found = said === null || said === "" ? [] : said.split(mark).map(Number);
  return found.every((number) => Number.isFinite(number) && Math.abs(number) < 1e6) ? found : [];
}

function ascending(codes: ReadonlySet<number>): string {
  return [...codes].sort((a, b) => a - b).join(".");
}

/** Those that are shown alone, else those that are hidden; none alone shows none. */
function clusters(only: string | null, hidden: string | null): ClusterFilter {
  const labels = numbers(only ?? hidden, ".");
  const isGood = labels.every((label) => Number.isInteger(label) && label >= 0);
  const isOnly = only !== null && (only === "" || labels.length > 0);
  return isGood ? { isOnly, labels: new Set(labels) } : INITIAL.filter.clusters;
}

function between(said: string | null, least: number, most: number, usual: number): number {
  const [number] = numbers(said, "_");
  return number === undefined ? usual : Math.min(most, Math.max(least, number));
}

function range(said: string | null): readonly [number, number] {
  const [low, high] = numbers(said, "-");
  return low >= 0 && low <= high && high <= 1 ? [low, high] : INITIAL.filter.density;
}

function pose(said: string | null): CameraPose | null {
  const found = numbers(said, "_");
  if (found.length !== 6 || found[2] <= 0) return null;
  const [yaw, pitch, distance, ...target] = found;
  return { yaw, pitch, distance, target: target as [number, number, number] };
}
