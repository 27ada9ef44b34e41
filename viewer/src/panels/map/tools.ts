// Tools beside the map: lasso, views, picture, theme, help.

import type { Theme } from "../../state";
import { element, icon } from "../element";
import { type Page, watch } from "../page";
import { save } from "../selection/export";
import { lassoHint } from "./lasso";

const ICONS = {
  lasso:
    "M8 2.5c3.3 0 5.5 1.7 5.5 4s-2.2 4-5.5 4-5.5-1.7-5.5-4 2.2-4 5.5-4zM5 10c-1 .6-1.2 1.7-.4 2.3.8.6 1.6.3 1.4 1.7",
  whole: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  closer: "M8 5.5v5M5.5 8h5M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2",
  picture: "M2 5h2.5l1-1.5h5l1 1.5H14v8H2zM8 11.2a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z",
  theme: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  help: "M6 6.2c0-2.8 4.2-2.6 4.2-.1 0 1.7-2.2 1.7-2.2 3.4M8 12.3v.4",
} as const;
const NEXT: Readonly<Record<Theme, Theme>> = { system: "dark", dark: "light", light: "system" };

export function tools(page: Page, help: HTMLDialogElement): HTMLElement {
  const lasso = tool("lasso", "Lasso: mark prompts", () => {
    const isOn = page.store.state.tool === "lasso";
    page.store.set({ tool: isOn ? "navigate" : "lasso", hasMissed: false });
  });
  lassoHint(page);
  const closer = tool("closer", "Show the selection closer", () => page.stage.closer());
  const theme = tool("theme", "Theme", () => page.store.set({ theme: NEXT[page.store.state.theme] }));
  watch(page.store, ["tool"], (state) => lasso.setAttribute("aria-pressed", String(state.tool === "lasso")));
  watch(page.store, ["marked", "selected"], ({ marked, selected }) => {
    closer.disabled = marked === null && selected === null;
  });
  watch(page.store, ["theme"], (state) => name(theme, `Theme: ${state.theme}`));
  return element(
    "div",
    { class: "tools", role: "region", "aria-label": "Map tools" },
    lasso,
    tool("whole", "Back to the whole map", () => page.stage.setPose(page.stage.home())),
    closer,
    tool("picture", "Save a picture", () => void picture(page)),
    theme,
    tool("help", "Help: keys and gestures", () => help.showModal()),
  );
}

async function picture(page: Page): Promise<void> {
  const snapshot = page.store.state.corpus?.snapshotId ?? "map";
  save(`kat-ray-${snapshot}.png`, await page.stage.screenshot());
}

function tool(kind: keyof typeof ICONS, label: string, run: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", class: "tool", onclick: run }, icon(ICONS[kind]));
  name(made, label);
  return made;
}

function name(button: HTMLElement, label: string): void {
  button.setAttribute("aria-label", label);
  button.setAttribute("title", label);
}
