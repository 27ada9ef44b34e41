// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { brief } from "../../../src/panels/brief";
import { HoverCard } from "../../../src/panels/map/card";
import { rarity } from "../../../src/panels/selection/rarity";
import { density } from "../../../src/panels/sidebar/density";
import { statistics } from "../../../src/panels/sidebar/statistics";
import { fakePage, settled } from "../../service";

test("a place among all prompts by density is said to be one, wherever it stands", async () => {
  const { page, store } = await fakePage();
  const map = document.createElement("div");
  const card = new HoverCard(page, map).root;
  map.dispatchEvent(new MouseEvent("pointermove"));
  store.set({ hovered: 3 });
  await settled();
  expect(card.textContent).toContain("denser than 20 % of prompts · very rare · weight ×");
  const shown = { preview: "text", source: "hh", density_percentile: 0.2, distance: null, point: 3 };
  expect(brief(page, shown).textContent).toContain("very rare, denser than 20 %");
  expect(statistics(page).textContent).toContain("Average density percentile");
  const range = density(page);
  expect(range.querySelector("h2")?.textContent).toBe("Density percentile");
  for (const input of range.querySelectorAll("input"))
    expect(input.getAttribute("aria-label")).toContain("density percentile");
});

test("the numbers of a prompt say what they are of, and what a loss weight is for", () => {
  const numbers = { density: 1, density_percentile: 0.2, weight: 1 / 40, loss_weight: 1.5, edit_factors: [] };
  const said = rarity(numbers as unknown as Parameters<typeof rarity>[0], 40, null).textContent;
  expect(said).toContain("Denser than20.0 % of prompts: very rare");
  expect(said).toContain("Loss weight×1.50 of average");
  expect(said).toContain("scales this prompt's loss instead");
});
