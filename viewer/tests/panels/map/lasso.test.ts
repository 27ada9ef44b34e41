// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { lassoHint } from "../../../src/panels/map/lasso";
import { fakePage } from "../../service";

async function hinted() {
  const parts = await fakePage();
  lassoHint(parts.page);
  return { ...parts, said: () => parts.page.notices.root.textContent ?? "" };
}

test("while the lasso is on it is said how it works, and after a line round nothing how to go on", async () => {
  const { store, said } = await hinted();
  expect(said()).toBe("");
  store.set({ tool: "lasso" });
  expect(said()).toContain("Draw around the prompts; Esc ends");
  store.set({ hasMissed: true });
  expect(said()).toContain("No prompts inside");
  store.set({ hasMissed: false, tool: "navigate" });
  expect(said()).toBe("");
});

test("Esc ends the lasso wherever the focus is, and nothing else goes with it", async () => {
  const { store } = await hinted();
  const others = vi.fn();
  document.addEventListener("keydown", others);
  store.set({ tool: "lasso", selected: 3 });
  const press = () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  press();
  expect([store.state.tool, store.state.selected]).toEqual(["navigate", 3]);
  expect(others).not.toHaveBeenCalled();
  press();
  expect(others).toHaveBeenCalledOnce();
  document.removeEventListener("keydown", others);
});

test("a button ends it for who has no keys", async () => {
  const { store, page } = await hinted();
  store.set({ tool: "lasso" });
  const buttons = [...page.notices.root.querySelectorAll("button")];
  buttons.find((button) => button.textContent === "End")?.click();
  expect(store.state.tool).toBe("navigate");
});

test("a ring round nothing is told, too", async () => {
  const { store, said } = await hinted();
  store.set({ hasMissed: true });
  expect(said()).toContain("No prompts inside the ring");
  store.set({ hasMissed: false });
  expect(said()).toBe("");
});

test("Esc in a text is the text's own", async () => {
  const { store } = await hinted();
  const text = document.createElement("input");
  text.type = "search";
  document.body.append(text);
  store.set({ tool: "lasso" });
  text.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  expect(store.state.tool).toBe("lasso");
  text.remove();
});
