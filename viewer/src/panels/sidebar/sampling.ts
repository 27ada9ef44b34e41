// What weights do to training: one slider from uniform draws over the snapshot's own weights to their fourth power.

import type { Corpus } from "../../data/corpus";
import { decileShares, effectiveShare } from "../../space/exposure";
import type { State } from "../../state";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { failure } from "../rights";
import { count, counted, percent } from "../words";
import { colorChoice } from "./appearance";

const MOST_STRENGTH = 4;
const SHARES = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1];
const UNIFORM = 0.1;
const STRENGTH =
  "2 × as strong squares the weights: what is drawn 3 times as often as another prompt is then drawn 9 times as often.";

export function sampling(page: Page): HTMLElement {
  const root = element("div", { class: "sampling" });
  const [bars, facts, trouble] = [
    element("div", { class: "deciles" }),
    element("dl", { class: "facts" }),
    element("p"),
  ];
  trouble.setAttribute("role", "alert");
  root.append(
    element("p", {}, "Points that a sampler draws stay large; the others fade. Move the slider to see where draws go."),
    strength(page),
    shown(page),
    element(
      "section",
      { "aria-labelledby": "deciles-head" },
      element("h2", { id: "deciles-head" }, "Draws by density"),
      bars,
    ),
    facts,
    colorChoice(page, "sampling-color"),
    trouble,
  );
  const render = (state: State) => {
    const weights = state.corpus?.weightsNow;
    if (state.mode !== "sampling" || state.corpus === null || weights === null || weights === undefined) return;
    const shares = decileShares(state.corpus.cloud, weights, state.strength);
    fill(bars, columns(shares));
    fill(facts, numbers(state, weights, shares));
  };
  watch(page.store, ["mode", "corpus", "loaded", "strength", "returns"], (state) => {
    if (state.mode !== "sampling" || state.corpus === null) return;
    void ready(state.corpus, trouble).then(() => render(page.store.state));
  });
  return root;
}

/** The weights come when they are needed first. */
async function ready(corpus: Corpus, trouble: HTMLElement): Promise<void> {
  try {
    await corpus.weights();
    trouble.textContent = "";
  } catch (error) {
    trouble.textContent = failure(error);
  }
}

function strength(page: Page): HTMLElement {
  const input = element("input", {
    type: "range",
    id: "strength",
    min: 0,
    max: MOST_STRENGTH,
    step: 0.05,
  });
  const said = element("output", { for: "strength", class: "number" });
  input.addEventListener("input", () => page.store.set({ strength: Number(input.value) }));
  watch(page.store, ["strength"], (state) => {
    input.value = String(state.strength);
    said.textContent = named(state.strength);
    input.setAttribute("aria-valuetext", named(state.strength));
  });
  return element(
    "div",
    { class: "slider" },
    element("label", { for: "strength" }, "Weighting"),
    said,
    input,
    element("div", { class: "ends" }, element("span", {}, "uniform"), element("span", {}, "4 × as strong")),
    element("p", { class: "note" }, STRENGTH),
  );
}

function named(strength: number): string {
  if (strength === 0) return "uniform";
  return strength === 1 ? "the snapshot's weights" : `${strength.toFixed(2)} × as strong`;
}

function shown(page: Page): HTMLElement {
  const list = element("select", { id: "draw-share" });
  list.addEventListener("change", () => page.store.set({ drawShare: Number(list.value) }));
  watch(page.store, ["drawShare", "corpus"], ({ drawShare, corpus }) => {
    const all = [...new Set([...SHARES, drawShare])].sort((a, b) => a - b);
    const label = (share: number) => counted(Math.round(share * (corpus?.numPoints ?? 0)), "draw");
    fill(
      list,
      all.map((share) =>
        element("option", { value: share, selected: share === drawShare }, `${label(share)} (${percent(share, 0)})`),
      ),
    );
  });
  return element("div", { class: "field" }, element("label", { for: "draw-share" }, "Shown on the map"), list);
}

/** Ten pairs of bars; the line at a tenth is what uniform draws give. */
function columns(shares: Float64Array): HTMLElement[] {
  const most = Math.max(UNIFORM * 1.2, ...shares);
  const bar = (share: number) => {
    const made = element("span", { class: "column" });
    made.style.setProperty("--share", String(share / most));
    return made;
  };
  const label = (share: number, decile: number) =>
    `${decile === 0 ? "Rarest tenth" : `Density percentile ${decile * 10} to ${decile * 10 + 10}`}: ${percent(share)} of draws, uniform ${percent(UNIFORM, 0)}`;
  const made = element("ol", { class: "columns" });
  made.style.setProperty("--uniform", String(UNIFORM / most));
  shares.forEach((share, decile) => {
    const said = label(share, decile);
    made.append(element("li", { title: said }, bar(share), element("span", { class: "spoken" }, said)));
  });
  const ends = element("div", { class: "ends" }, element("span", {}, "very rare"), element("span", {}, "very common"));
  const note = element("p", { class: "note" }, "Filled: with these weights. Line: uniform, a tenth each.");
  return [made, ends, note];
}

function numbers(state: State, weights: Float32Array, shares: Float64Array): HTMLElement[] {
  const rarest = shares[0] + shares[1] + shares[2] / 2;
  const effective = effectiveShare(weights, state.strength);
  const fact = (name: string, value: string, id: string) =>
    element("div", {}, element("dt", {}, name), element("dd", { id }, value));
  return [
    fact("To the rarest quarter", `${percent(0.25)} → ${percent(rarest)}`, "rarest-quarter"),
    fact("Effective sample", `${percent(effective)} of ${count(state.corpus?.numPoints ?? 0)}`, "effective"),
  ];
}
