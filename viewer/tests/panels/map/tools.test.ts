// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { tools } from "../../../src/panels/map/tools";
import { fakePage } from "../../service";

function button(root: HTMLElement, name: string): HTMLButtonElement {
  return root.querySelector(`[aria-label="${name}"]`) as HTMLButtonElement;
}

test("what is selected or marked is shown closer by the map itself, as by its key", async () => {
  const { page, store, stage } = await fakePage();
  const closer = button(tools(page, document.createElement("dialog")), "Show the selection closer");
  expect(closer.disabled).toBe(true);
  store.set({ selected: 3 });
  expect(closer.disabled).toBe(false);
  closer.click();
  expect(stage.closer).toHaveBeenCalledOnce();
  expect(stage.frame).not.toHaveBeenCalled();
});
