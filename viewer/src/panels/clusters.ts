// Clusters by their words: a click shows one alone, "mark" marks its prompts.

import type { Corpus } from "../data/corpus";
import { clusterColor } from "../theme";
import { dot } from "./dot";
import { element, fill, quoted } from "./element";
import { isShown, type Page, watch } from "./page";
import { failure, isAborted } from "./rights";
import { count } from "./words";

const LISTED = 60;
const TERMS = 3;

type Cluster = Corpus["meta"]["clusters"][number];

export function clusters(page: Page): HTMLElement {
  const list = element("ul", { class: "legend" });
  const chosen = element("div", { class: "chosen" });
  watch(page.store, ["corpus"], ({ corpus }) => {
    fill(
      list,
      (corpus?.meta.clusters ?? []).slice(0, LISTED).map((cluster) => entry(page, cluster)),
    );
  });
  watch(page.store, ["corpus", "filter"], ({ corpus, filter }) => {
    const cluster = corpus?.meta.clusters.find(({ label }) => label === filter.cluster);
    fill(chosen, cluster === undefined ? [] : [only(page, cluster)]);
    for (const button of list.querySelectorAll<HTMLElement>("[data-cluster]")) {
      const isShown = filter.cluster === null || button.dataset.cluster === String(filter.cluster);
      button.setAttribute("aria-pressed", String(isShown));
    }
  });
  const summary = element("summary", {}, element("h2", {}, "Clusters"));
  return element("section", { class: "clusters" }, element("details", {}, summary, list), chosen);
}

/** Shows one cluster alone; null shows all. */
export async function showCluster(page: Page, cluster: number | null): Promise<void> {
  await withPoints(page, cluster, (points) => {
    page.store.set({ filter: { ...page.store.state.filter, cluster } });
    page.stage.frame(points);
  });
}

/** The first words of a cluster. */
export function named(terms: readonly string[]): string {
  return terms.slice(0, TERMS).join(", ") || "without a name";
}

function entry(page: Page, cluster: Cluster): HTMLElement {
  const toggle = () => {
    const isShown = page.store.state.filter.cluster === cluster.label;
    void showCluster(page, isShown ? null : cluster.label);
  };
  const shown = element(
    "button",
    { type: "button", "data-cluster": cluster.label, onclick: toggle },
    dot(clusterColor(cluster.label)),
    quoted(named(cluster.terms), "name"),
    element("span", { class: "number" }, count(cluster.size)),
  );
  const label = `Mark the prompts of ${named(cluster.terms)}`;
  const mark = () => void markCluster(page, cluster.label);
  return element(
    "li",
    {},
    shown,
    element("button", { type: "button", class: "only", "aria-label": label, onclick: mark }, "mark"),
  );
}

function only(page: Page, cluster: Cluster): HTMLElement {
  const end = () => void showCluster(page, null);
  return element(
    "p",
    { class: "note" },
    "Only the cluster ",
    quoted(named(cluster.terms)),
    ". ",
    element("button", { type: "button", class: "link", onclick: end }, "Show all"),
  );
}

async function markCluster(page: Page, label: number): Promise<void> {
  await withPoints(page, label, (points) => {
    page.store.set({ marked: Uint32Array.from(points), selected: null });
    page.stage.frame(points);
  });
}

/** Does something with the points of a cluster that the map has, when all of them are there; null has none. */
async function withPoints(page: Page, label: number | null, use: (points: number[]) => void): Promise<void> {
  const { corpus } = page.store.state;
  if (corpus === null) return;
  try {
    const points = label === null ? [] : await pointsOf(corpus, label);
    if (isShown(page, corpus)) use(points);
  } catch (error) {
    if (isShown(page, corpus) && !isAborted(error)) page.notices.show("clusters", "trouble", failure(error));
  }
}

async function pointsOf(corpus: Corpus, label: number): Promise<number[]> {
  const [labels] = await Promise.all([corpus.clusters(), corpus.complete]);
  const points: number[] = [];
  for (let point = 0; point < corpus.cloud.loaded; point++) {
    if (labels[point] === label) points.push(point);
  }
  return points;
}
