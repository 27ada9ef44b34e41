// Boosts or mutes the marked prompts: a new version of the snapshot, to be looked at and to be trained with.

import type { Corpus } from "../../data/corpus";
import type { EditAnswer } from "../../messages";
import { editedShare, shareOf } from "../../space/exposure";
import { element, fill } from "../element";
import { isShown, type Page, watch } from "../page";
import { failure, mayPublish } from "../rights";
import { count, drawn } from "../words";
import { written } from "./export";
import { Outcome } from "./outcome";

const FACTORS: readonly (readonly [number, string])[] = [
  [2, "×2"],
  [4, "×4"],
  [8, "×8"],
  [0.1, "Mute ×0.1"],
  [0.01, "Mute ×0.01"],
];

/** Buttons for the marked prompts with what each does to their share of draws, and what came of the last one. */
export function editing(page: Page): HTMLElement {
  const outcome = new Outcome(page);
  const choice = element("div", { class: "choices" });
  const run = (factor: number) => void held(choice, () => edit(page, factor, outcome));
  watch(page.store, ["marked", "corpus", "service"], () => {
    fill(choice, choices(page, run));
    void showShares(page, choice);
  });
  watch(page.store, ["marked"], () => {
    outcome.say("");
  });
  watch(page.store, ["returns"], () => void showShares(page, choice));
  const head = element("h3", { id: "editing-head" }, "Change how often training draws them");
  return element("section", { "aria-labelledby": "editing-head" }, head, choice, outcome.root);
}

/** The weights come with the first marks; until then, and without them, the buttons stand alone. */
async function showShares(page: Page, choice: HTMLElement): Promise<void> {
  const { corpus, marked } = page.store.state;
  if (corpus === null || marked === null || choice.querySelector("[data-factor]") === null) return;
  const weights = corpus.weightsNow ?? (await corpus.weights().catch(() => null));
  if (weights === null || page.store.state.marked !== marked || !isShown(page, corpus)) return;
  const share = shareOf(weights, marked);
  for (const place of choice.querySelectorAll<HTMLElement>("[data-factor]")) {
    place.textContent = drawn(editedShare(share, Number(place.dataset.factor)));
  }
}

function choices(page: Page, run: (factor: number) => void): HTMLElement[] {
  const most = page.store.state.service?.limits.ids ?? Number.POSITIVE_INFINITY;
  const number = page.store.state.marked?.length ?? 0;
  const may = mayPublish(page.store.state);
  if (may !== true) return may === false ? [readOnly(page)] : [];
  if (number > most) {
    return [
      element("p", {}, `One edit takes at most ${count(most)} prompts; ${count(number)} are marked. Mark fewer.`),
    ];
  }
  const note = "Their weights are multiplied in a new version of the snapshot. The one on the map stays as it is.";
  return [
    element("p", { class: "note" }, note),
    element("p", {}, "Share of all draws: ", place(1), " now; after a change:"),
    element(
      "div",
      { class: "factors" },
      ...FACTORS.map(([factor, label]) => choiceOf(factor, label, () => run(factor))),
    ),
  ];
}

/** A button, and below it the share of all draws that it makes. */
function choiceOf(factor: number, label: string, run: () => void): HTMLElement {
  const share = place(factor);
  const button = element("button", { type: "button", "aria-describedby": share.id, onclick: run }, label);
  return element("div", { class: "factor" }, button, share);
}

function place(factor: number): HTMLElement {
  return element("span", { id: `share-${factor}`, class: "number", "data-factor": factor });
}

function readOnly(page: Page): HTMLElement {
  const renew = () => void page.renewToken();
  const button = element("button", { type: "button", class: "link", onclick: renew }, "Use another token");
  return element("p", {}, "Your token may only read. Changes need a token of the scope publish. ", button);
}

/** One edit of these marks at a time; other marks bring other buttons. */
async function held(choice: HTMLElement, work: () => Promise<void>): Promise<void> {
  const buttons = [...choice.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  await work().finally(() => {
    for (const button of buttons) button.disabled = false;
  });
}

async function edit(page: Page, factor: number, outcome: Outcome): Promise<void> {
  const { corpus, marked } = page.store.state;
  if (corpus === null || marked === null) return;
  const turn = outcome.say("Making the new version…");
  try {
    const ids = await corpus.ids();
    const names = Array.from(marked, (point) => written(ids[point]));
    const answer = await page.api.edit(corpus.snapshotId, names, factor);
    if (isShown(page, corpus) && outcome.isAt(turn)) outcome.tell(answer, shift(corpus, marked, factor));
    else tellElsewhere(page, answer);
  } catch (error) {
    const trouble = failure(error);
    if (isShown(page, corpus) && outcome.isAt(turn)) outcome.say(trouble);
    else page.notices.show("edit", "trouble", `A change of the marks before was not made. ${trouble}`);
  }
  if (!isShown(page, corpus) && outcome.isAt(turn)) outcome.say("");
}

/** What became of the share of draws, where the weights came. */
function shift({ weightsNow }: Corpus, marked: Uint32Array, factor: number): HTMLElement | null {
  if (weightsNow === null) return null;
  const share = shareOf(weightsNow, marked);
  return element("p", {}, `Their share of all draws: ${drawn(share)} → ${drawn(editedShare(share, factor))}.`);
}

/** The map has gone on to another snapshot or to other marks: the version is there all the same, in the list of snapshots. */
function tellElsewhere(page: Page, answer: EditAnswer): void {
  page.notices.show(
    "edit",
    "done",
    `The new version ${answer.snapshot_id} of ${answer.parent} is in the list of snapshots.`,
  );
}
