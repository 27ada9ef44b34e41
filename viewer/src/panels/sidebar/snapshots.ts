// Which snapshot is on the map, and which one those follow who name none.

import type { SnapshotEntry } from "../../messages";
import { element, fill } from "../element";
import { type Page, watch } from "../page";
import { failure, mayPublish } from "../rights";
import { moment } from "../words";

const EXPLANATION = "Trainers and pages that follow the store will use it.";

/** A list to choose from, and a button that makes the chosen one current. */
export function snapshots(page: Page): HTMLElement {
  const list = element("select", { id: "snapshot", "aria-describedby": "snapshot-note" });
  const note = element("span", { id: "snapshot-note", class: "note" });
  let entries: readonly SnapshotEntry[] = [];

  const render = () => {
    const shown = page.store.state.corpus?.snapshotId ?? page.store.state.pinnedSnapshot;
    fill(
      list,
      entries.map((entry) => option(entry, entry.snapshot_id === shown)),
    );
    const current = entries.find((entry) => entry.current)?.snapshot_id;
    fill(note, shown === null || current === undefined || shown === current ? [] : other(page, shown));
  };
  const refresh = async () => {
    entries = await page.api.snapshots().catch(() => entries);
    render();
  };
  list.addEventListener("change", () => {
    // Named even where it is the current one: it may have become that while the page followed the one before.
    page.store.set({ pinnedSnapshot: list.value });
  });
  list.addEventListener("focus", () => void refresh());
  watch(page.store, ["corpus", "published", "returns"], () => void refresh());
  watch(page.store, ["service"], render);
  const head = element("div", { class: "ends" }, element("label", { for: "snapshot" }, "Snapshot"), note);
  return element("div", { class: "snapshots" }, head, list);
}

function option(entry: SnapshotEntry, isShown: boolean): HTMLOptionElement {
  const current = entry.current ? " · current" : "";
  const label = `${entry.snapshot_id.slice(0, 8)} · ${moment(entry.created_at)}${current}`;
  return element("option", { value: entry.snapshot_id, selected: isShown }, label);
}

function other(page: Page, shown: string): HTMLElement[] {
  const may = mayPublish(page.store.state) === true;
  const said = element("span", {}, may ? "not current: " : "not the current one");
  if (!may) return [said];
  const change = async () => {
    try {
      await page.api.switchTo(shown);
      page.notices.show("publish", "done", `This snapshot is the current one now. ${EXPLANATION}`);
      page.store.set({ published: shown });
    } catch (error) {
      page.notices.show("publish", "trouble", failure(error));
    }
  };
  return [said, switchButton("link", () => void change())];
}

/** The one name of what makes a snapshot current. */
export function switchButton(look: "link" | "main", change: () => void): HTMLButtonElement {
  return element("button", { type: "button", class: look, title: EXPLANATION, onclick: change }, "Make it current");
}
