// The selected prompt: its conversation, its replies, its numbers and why, and what lies near it.

import type { Corpus } from "../../data/corpus";
import type { Brief, Prompt } from "../../messages";
import { brief, drawn } from "../brief";
import { sourceDot } from "../dot";
import { type Child, CROSS, element, fill, icon, quoted } from "../element";
import { type Page, watch } from "../page";
import { failure, isAborted } from "../rights";
import { named, showCluster } from "../sidebar/clusters";
import { band, denser } from "../words";
import { conversation, replies } from "./conversation";
import { rarity } from "./rarity";
import { typicalDistance } from "./typical";

const MOST_TERMS = 6;

export class Detail {
  readonly root = element("article", { class: "detail", "aria-labelledby": "detail-head" });
  readonly #page: Page;
  /** Makes the address of a prompt for other people. */
  readonly #link: (prompt: string) => string;
  #abort = new AbortController();
  #prompt: Prompt | null = null;
  #hasFailed = false;
  readonly #actions = element("div", { class: "actions" });

  constructor(page: Page, link: (prompt: string) => string) {
    this.#page = page;
    this.#link = link;
    watch(page.store, ["selected", "corpus"], () => void this.#render());
    watch(page.store, ["service"], () => this.#act());
    watch(page.store, ["returns"], () => {
      if (this.#hasFailed) void this.#render();
    });
  }

  async #render(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#hasFailed = false;
    const { corpus, selected, neighbors } = this.#page.store.state;
    this.root.hidden = corpus === null || selected === null;
    // Those of the prompt before: the new one's come with its numbers.
    if (neighbors.length > 0) this.#page.store.set({ neighbors: [] });
    if (corpus === null || selected === null) return;
    const text = corpus.previewNow(selected)?.text;
    fill(this.root, [this.#head(null), text === undefined ? skeleton() : quoted(text, "quoted block")]);
    try {
      const { id } = await corpus.preview(selected);
      const { api } = this.#page;
      const [prompt, found, typical] = await Promise.all([
        api.prompt(id, corpus.snapshotId, signal),
        api.neighbors(id, corpus.snapshotId, signal),
        typicalDistance(api, corpus),
      ]);
      if (signal.aborted) return;
      this.#show(prompt, found.neighbors, rarity(prompt, corpus.numPoints, typical));
      await this.#connect(corpus, found.neighbors, signal);
    } catch (error) {
      if (!isAborted(error) && !signal.aborted) this.#fail(failure(error));
    }
  }

  #show(prompt: Prompt, neighbors: readonly Brief[], why: HTMLElement): void {
    this.#prompt = prompt;
    this.#act();
    fill(this.root, [
      this.#head(prompt),
      conversation(prompt.messages),
      this.#actions,
      why,
      this.#cluster(prompt),
      this.#duplicate(prompt),
      replies(prompt),
      this.#nearest(neighbors),
    ]);
    this.root.scrollTop = 0;
    const said = `${band(prompt.density_percentile)}, ${denser(prompt.density_percentile)}`;
    this.#page.notices.speak(`Selected a prompt of ${prompt.source}: ${said}.`);
  }

  /** Links to the neighbors, after the panel has its size: the map keeps them clear of it. Those of a very large snapshot
   * that the map leaves out stand in the list alone.
   */
  async #connect(corpus: Corpus, found: readonly Brief[], signal: AbortSignal): Promise<void> {
    await corpus.complete.catch(() => undefined);
    if (!signal.aborted) this.#page.store.set({ neighbors: drawn(corpus, found) });
  }

  #fail(sentence: string): void {
    this.#hasFailed = true;
    const again = () => void this.#render();
    const button = element("button", { type: "button", onclick: again }, "Try again");
    fill(this.root, [this.#head(null), element("p", { role: "alert" }, sentence), button]);
  }

  #head(prompt: Prompt | null): HTMLElement {
    const close = () => {
      this.#page.store.set({ selected: null });
      this.#page.stage.focus();
    };
    const button = element(
      "button",
      { type: "button", class: "bare", "aria-label": "Close", onclick: close },
      icon(CROSS),
    );
    const origins = (prompt?.sources ?? []).flatMap(({ source, count }): Child[] => [
      sourceDot(this.#page.store, source),
      quoted(count > 1 ? `${source} (${count} pairs)` : source),
    ]);
    const sources = element("p", { class: "origins" }, ...origins);
    return element("header", { class: "head" }, element("h2", { id: "detail-head" }, "Prompt"), sources, button);
  }

  #act(): void {
    const prompt = this.#prompt;
    if (prompt === null) return;
    const chat = this.#page.store.state.service?.chat_url ?? null;
    const button = (label: string, run: () => void) => element("button", { type: "button", onclick: run }, label);
    fill(this.#actions, [
      button("Find similar", () => this.#page.findSimilar(prompt)),
      button("Copy link", () => void this.#copy(this.#link(prompt.id), "The link")),
      button("Copy id", () => void this.#copy(prompt.id, "The id")),
      chat === null ? null : openInChat(chat, prompt.id),
    ]);
  }

  async #copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.#page.notices.show("copied", "done", `${what} is copied.`);
    } catch {
      this.#page.notices.show("copied", "information", `This browser does not let pages copy. ${what}: ${text}`);
    }
  }

  #cluster(prompt: Prompt): HTMLElement {
    const show = () => void showCluster(this.#page, prompt.cluster);
    const name = named(prompt.cluster_terms, MOST_TERMS);
    const button = element("button", { type: "button", class: "link", onclick: show }, quoted(name));
    return element("p", {}, "Cluster: ", button);
  }

  #duplicate(prompt: Prompt): HTMLElement | null {
    if (prompt.duplicate_of === prompt.id) return null;
    const walk = async () => {
      const { signal } = this.#abort;
      const first = await this.#page.api.prompt(prompt.duplicate_of, prompt.snapshot_id).catch(() => null);
      if (first?.point != null && !signal.aborted) this.#page.store.set({ selected: first.point });
    };
    const button = element(
      "button",
      { type: "button", class: "link", onclick: () => void walk() },
      "the first of them",
    );
    return element("p", {}, "Almost the same text stands in other prompts: see ", button, ".");
  }

  #nearest(neighbors: readonly Brief[]): HTMLElement {
    return element(
      "section",
      { "aria-labelledby": "nearest-head" },
      element("h3", { id: "nearest-head" }, "Nearest prompts"),
      element(
        "ul",
        { class: "briefs" },
        ...neighbors.map((neighbor) => element("li", {}, brief(this.#page, neighbor))),
      ),
    );
  }
}

function skeleton(): HTMLElement {
  return element(
    "div",
    { class: "skeleton", "aria-busy": "true" },
    element("span", { class: "spoken" }, "Loading the prompt"),
  );
}

/** Only addresses of the web: the service's word is not enough to run a script. */
function openInChat(chat: string, id: string): HTMLElement | null {
  const address = URL.parse(chat, window.location.href);
  if (address === null || !/^https?:$/.test(address.protocol)) return null;
  address.searchParams.set("prefix_id", id);
  const attributes = { class: "button", href: address.href, target: "_blank", rel: "noopener noreferrer" };
  return element("a", attributes, "Open in chat");
}
