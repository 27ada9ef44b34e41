// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { rareButton } from "../../../src/panels/sidebar/rare";
import { fakePage, NUM_POINTS } from "../../service";

test("the rarest prompts are not known before all points are there", async () => {
  const { page, store } = await fakePage(undefined, { loaded: 10 });
  const button = rareButton(page);
  expect(button.disabled).toBe(true);
  store.set({ loaded: NUM_POINTS });
  expect(button.disabled).toBe(false);
});

test("a prompt that the map shows passes here too, also at the end of the range", async () => {
  const { page, store } = await fakePage();
  const button = rareButton(page);
  const density = 51 / 255;
  store.set({ filter: { ...store.state.filter, density: [density + 1e-12, density + 1e-12] } });
  button.click();
  expect(store.state.selected).not.toBe(null);
});
