// The legend of clusters, which filters; they are named by their words, and "mark" marks the prompts of one.

import type { Corpus } from "../../data/corpus";
import { hidesClusters, showsCluster } from "../../space/filter";
import { shortTerm } from "../../space/terms";
import { type ClusterFilter, type Filter, INITIAL } from "../../state";
import { clusterColor } from "../../theme";
import { type Child, element, fill, quoted } from "../element";
import { isShown, type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { count, counted } from "../words";
import { legendEntry, small } from "./legend";
import { foldable } from "./section";

const LISTED = 60;
const TERMS = 3;

type Cluster = Corpus["meta"]["clusters"][number];

export function clusters(page: Page): HTMLElement {
  const list = element("ul", { class: "legend" });
  const chosen = element("div", { class: "chosen" });
  const showAll = () => filterBy(page, INITIAL.filter.clusters);
  const all = element("button", { type: "button", class: "link", onclick: showAll }, "Show all");
  let updates: ((filter: Filter) => void)[] = [];
  watch(page.store, ["corpus"], ({ corpus }) => {
    const listed = (corpus?.meta.clusters ?? []).slice(0, LISTED);
    const entries = listed.map((cluster) => entry(page, cluster));
    updates = entries.map(({ update }) => update);
    fill(
      list,
      entries.map(({ root }) => root),
    );
  });
  watch(page.store, ["corpus", "filter"], ({ corpus, filter }) => {
    fill(chosen, corpus !== null && hidesClusters(filter) ? [said(corpus, filter.clusters)] : []);
    all.hidden = !hidesClusters(filter);
    for (const update of updates) update(filter);
  });
  const root = foldable({ name: "clusters", title: "Clusters", isOpen: false, beside: all }, list);
  root.append(chosen);
  return root;
}

/** Shows one cluster alone, and closer. */
export async function showCluster(page: Page, cluster: number): Promise<void> {
  await withPoints(page, cluster, (points) => {
    filterBy(page, { isOnly: true, labels: new Set([cluster]) });
    page.stage.frame(points);
  });
}

/** The first words of a cluster. */
export function named(terms: readonly string[], most = TERMS): string {
  return terms.slice(0, most).map(shortTerm).join(", ") || "without a name";
}

function entry(page: Page, { label, terms, size }: Cluster): { root: HTMLElement; update: (filter: Filter) => void } {
  const name = named(terms);
  const mark = small("mark", `Mark the prompts of ${name}`, () => void markCluster(page, label));
  const actions = { toggle: () => void toggle(page, label), only: () => showOnly(page, label) };
  const { root, number, show } = legendEntry({ name, color: clusterColor(label), ...actions, more: [mark] });
  number.textContent = count(size);
  return { root, update: (filter) => show(showsCluster(filter, label)) };
}

/** What is left, in the place that stays seen when the list is closed. */
function said(corpus: Corpus, { isOnly, labels }: ClusterFilter): HTMLElement {
  const known = corpus.meta.clusters.filter(({ label }) => labels.has(label));
  const words =
    labels.size === 1 && known.length === 1
      ? ["the cluster ", quoted(named(known[0].terms))]
      : [counted(labels.size, "cluster")];
  const sentence: Child[] = isOnly ? ["Only ", ...words, "."] : ["Without ", ...words, "."];
  return element("p", { class: "note" }, ...sentence);
}

function filterBy(page: Page, clusters: ClusterFilter): void {
  page.store.set({ filter: { ...page.store.state.filter, clusters } });
}

/** One that is alone already takes that back. */
function showOnly(page: Page, label: number): void {
  const { isOnly, labels } = page.store.state.filter.clusters;
  if (isOnly && labels.size === 1 && labels.has(label)) filterBy(page, INITIAL.filter.clusters);
  else void showCluster(page, label);
}

async function toggle(page: Page, label: number): Promise<void> {
  const ask = (corpus: Corpus) => corpus.clusters();
  await whenThere(page, ask, () => {
    const { isOnly, labels } = page.store.state.filter.clusters;
    const others = [...labels].filter((other) => other !== label);
    filterBy(page, { isOnly, labels: new Set(labels.has(label) ? others : [...others, label]) });
  });
}

async function markCluster(page: Page, label: number): Promise<void> {
  await withPoints(page, label, (points) => {
    page.store.set({ marked: Uint32Array.from(points), selected: null });
    page.stage.frame(points);
  });
}

/** Does something with the points of a cluster that the map has, when all of them are there. */
function withPoints(page: Page, label: number, use: (points: number[]) => void): Promise<void> {
  return whenThere(page, (corpus) => pointsOf(corpus, label), use);
}

/** Asks for something, and uses it where the snapshot is still the one on the map. */
async function whenThere<T>(page: Page, ask: (corpus: Corpus) => Promise<T>, use: (got: T) => void): Promise<void> {
  const { corpus } = page.store.state;
  if (corpus === null) return;
  try {
    const got = await ask(corpus);
    if (isShown(page, corpus)) use(got);
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
