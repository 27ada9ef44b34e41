// Names over the points: of clusters, and the beginnings of placed texts. Placed texts come first, since somebody put
// them there; whatever would cover a name that stands is left out.

import type { Corpus } from "../data/corpus";
import type { Projection } from "../space/camera";
import { showsCluster } from "../space/filter";
import { arrange, type Box, boxOf, type ClusterLabel, clusterLabels } from "../space/labels";
import type { ClusterFilter, PlacedText, State } from "../state";
import type { Colors } from "./colors";
import { drawText, FONT, FONT_PIXELS } from "./text";

const AIR = { x: 14, y: 8 };
/** Names of clusters stand over their place, not in front of it. */
const LIFT = 8;
const MOST_CLUSTERS = 24;
/** Texts stand beside their place. */
const ASIDE = 10;
const MOST_TEXTS = 40;
/** Of each file, so many of the first texts may have a name. */
const CANDIDATES = 60;
const CHARACTERS = 28;

/** Example: `names.arrange(context, state, projection, 800, 600); names.drawClusters(context, colors)` */
export class Names {
  #clusters: Box<ClusterLabel>[] = [];
  /** Those that a filter leaves, while names are wanted. */
  #left: readonly Box[] = [];
  #filter: ClusterFilter | null = null;
  #corpus: Corpus | null = null;
  #texts: readonly PlacedText[] = [];
  #placed: readonly Box[] = [];

  /** Whether names of clusters are there for these points. */
  isNamed(corpus: Corpus): boolean {
    return this.#corpus === corpus;
  }

  /** Finds places for the names of a corpus' clusters. */
  name(corpus: Corpus, labels: Uint16Array | Uint32Array, context: CanvasRenderingContext2D): void {
    context.font = FONT;
    this.#corpus = corpus;
    this.#filter = null;
    this.#clusters = clusterLabels(corpus.cloud, labels, corpus.meta.clusters).map((label) =>
      boxOf(label, context.measureText(label.text).width + AIR.x, FONT_PIXELS + AIR.y, { right: 0, down: -LIFT }),
    );
  }

  /** Finds what stands where in this frame, in a part of the map of this size. */
  arrange(
    context: CanvasRenderingContext2D,
    state: State,
    projection: Projection,
    width: number,
    height: number,
  ): void {
    if (this.#corpus !== state.corpus) this.#forget();
    this.#list(state);
    if (this.#texts !== state.placed) this.#measure(context, state.placed);
    arrange(this.#placed, NONE, MOST_TEXTS, projection, width, height);
    if (state.showLabels) arrange(this.#left, this.#placed, MOST_CLUSTERS, projection, width, height);
  }

  drawClusters(context: CanvasRenderingContext2D, colors: Colors): void {
    draw(context, colors, this.#left);
  }

  drawTexts(context: CanvasRenderingContext2D, colors: Colors): void {
    draw(context, colors, this.#placed);
  }

  /** Keeps nothing of a snapshot that is no longer shown. */
  #forget(): void {
    this.#corpus = null;
    this.#clusters = [];
    this.#filter = null;
  }

  #list({ filter }: State): void {
    if (this.#filter === filter.clusters) return;
    this.#filter = filter.clusters;
    this.#left = this.#clusters.filter(({ label }) => showsCluster(filter, label.cluster));
  }

  #measure(context: CanvasRenderingContext2D, texts: readonly PlacedText[]): void {
    context.font = FONT;
    this.#texts = texts;
    const candidates = [0, 1].flatMap((set) => texts.filter((text) => text.set === set).slice(0, CANDIDATES));
    this.#placed = candidates.map(({ text, position }) => {
      const label = { text: beginning(text), position };
      const { width } = context.measureText(label.text);
      return boxOf(label, width + AIR.x, FONT_PIXELS + AIR.y, { right: ASIDE + width / 2, down: 0 });
    });
  }
}

const NONE: readonly Box[] = [];

function draw(context: CanvasRenderingContext2D, colors: Colors, boxes: readonly Box[]): void {
  context.font = FONT;
  for (let at = 0; at < boxes.length; at++) {
    const box = boxes[at];
    if (box.isShown) drawText(context, colors, box.label.text, box.x, box.y);
  }
}

function beginning(text: string): string {
  const letters = [...text.slice(0, 4 * CHARACTERS)];
  return letters.length > CHARACTERS ? `${letters.slice(0, CHARACTERS - 1).join("")}…` : text;
}
