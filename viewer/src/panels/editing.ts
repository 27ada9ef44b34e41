// Boosts or mutes the marked prompts: a new version of the snapshot, to be looked at and to be trained with.

import type { EditAnswer } from "../messages";
import { element, fill } from "./element";
import { written } from "./export";
import { isShown, type Page, watch } from "./page";
import { failure, mayPublish } from "./rights";
import { count } from "./words";

const FACTORS: readonly (readonly [number, string])[] = [
  [2, "×2"],
  [4, "×4"],
  [8, "×8"],
  [0.1, "Mute ×0.1"],
  [0.01, "Mute ×0.01"],
];

/** Buttons for the marked prompts, and what came of the last one. */
export function editing(page: Page): HTMLElement {
  const result = element("div", { role: "status" });
  const choice = element("div", { class: "choices" });
  watch(page.store, ["marked", "corpus", "service"], () => fill(choice, choices(page, result)));
  const head = element("h3", { id: "editing-head" }, "Change how often training draws them");
  return element("section", { "aria-labelledby": "editing-head" }, head, choice, result);
}

function choices(page: Page, result: HTMLElement): HTMLElement[] {
  const most = page.store.state.service?.limits.ids ?? Number.POSITIVE_INFINITY;
  const number = page.store.state.marked?.length ?? 0;
  const may = mayPublish(page.store.state);
  if (may !== true) return may === false ? [readOnly(page)] : [];
  if (number > most) {
    return [
      element("p", {}, `One edit takes at most ${count(most)} prompts; ${count(number)} are marked. Mark fewer.`),
    ];
  }
  const buttons = FACTORS.map(([factor, label]) =>
    element("button", { type: "button", onclick: () => void edit(page, factor, result) }, label),
  );
  const note = "Their weights are multiplied in a new version of the snapshot. The one on the map stays as it is.";
  return [element("p", { class: "note" }, note), element("div", { class: "actions" }, ...buttons)];
}

function readOnly(page: Page): HTMLElement {
  const renew = () => void page.renewToken();
  const button = element("button", { type: "button", class: "link", onclick: renew }, "Use another token");
  return element("p", {}, "Your token may only read. Changes need a token of the scope publish. ", button);
}

async function edit(page: Page, factor: number, result: HTMLElement): Promise<void> {
  const { corpus, marked } = page.store.state;
  if (corpus === null || marked === null) return;
  result.textContent = "Making the new version…";
  try {
    const ids = await corpus.ids();
    const names = Array.from(marked, (point) => written(ids[point]));
    const answer = await page.api.edit(corpus.snapshotId, names, factor);
    if (isShown(page, corpus)) fill(result, made(page, answer, result));
    else tellElsewhere(page, answer, result);
  } catch (error) {
    result.textContent = failure(error);
  }
}

/** The map has gone on to another snapshot: the version is there all the same, in the list of snapshots. */
function tellElsewhere(page: Page, answer: EditAnswer, result: HTMLElement): void {
  result.textContent = "";
  page.notices.show(
    "edit",
    "done",
    `The new version ${answer.snapshot_id} of ${answer.parent} is in the list of snapshots.`,
  );
}

function made(page: Page, answer: EditAnswer, result: HTMLElement): (HTMLElement | string)[] {
  const id = answer.snapshot_id;
  const look = () => page.store.set({ pinnedSnapshot: id, colorBy: "weight" });
  const use = async () => {
    const { corpus } = page.store.state;
    try {
      await page.api.switchTo(id);
      if (isShown(page, corpus)) page.store.set({ pinnedSnapshot: id });
      page.store.set({ published: id });
      result.textContent = `Version ${id} is the current snapshot now. Trainers that follow the store draw by it.`;
    } catch (error) {
      result.textContent = failure(error);
    }
  };
  return [
    element("p", {}, answer.is_new ? "New version " : "This version was there already: ", element("code", {}, id), "."),
    element(
      "div",
      { class: "actions" },
      element("button", { type: "button", onclick: look }, "Look at it"),
      element("button", { type: "button", class: "main", onclick: () => void use() }, "Use it in training"),
    ),
  ];
}
