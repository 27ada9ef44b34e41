import { expect, test } from "vitest";
import { reason } from "../../../src/panels/selection/reason";

const LARGE = { numPrompts: 253_110, typicalDistance: 0.41, editFactors: [] };
const SMALL = { numPrompts: 1000, typicalDistance: null, editFactors: null };

test("a rare prompt of a large corpus: far from others, and drawn more often, though seldom", () => {
  const said = reason({ ...LARGE, density: 1.02, percentile: 0.026, weight: 1.4 / 253_110 });
  expect(said.rarity).toBe("Rarer than 97.4 % of prompts");
  expect(said.why).toContain("0.98 away on average where 0.41 is typical");
  expect(said.drawing).toBe("Training draws it 1.4 × as often as a uniform sampler would");
  expect(said.expected).toBe("In 10,000 draws about 0.06 times instead of 0.04, or once in 180,000.");
});

test("a crowded prompt of a small corpus", () => {
  const said = reason({ ...SMALL, density: 4, percentile: 0.9, weight: 0.8 / 1000 });
  expect(said.rarity).toBe("More common than 90.0 % of prompts");
  expect(said.why).toContain("0.25 away on average (");
  expect(said.expected).toBe("In 10,000 draws about 8.0 times instead of 10.");
});

test("the rarest prompt is not rarer than itself, and a weight of zero is never drawn", () => {
  expect(reason({ ...SMALL, density: 1, percentile: 0, weight: 0 })).toMatchObject({
    rarity: "Rarer than 99.9 % of prompts",
    drawing: "Training never draws it",
  });
  expect(reason({ ...SMALL, density: 1, percentile: 0.4, weight: 1 / 1000 }).drawing).toContain("draws it as often as");
});

test("a weight against the rule is said to be one", () => {
  expect(reason({ ...SMALL, density: 1, percentile: 0.1, weight: 0.01 / 1000 }).expected).toContain("was edited");
  expect(reason({ ...SMALL, density: 1, percentile: 0.1, weight: 1 / 1000 }).expected).not.toContain("was edited");
});

test("an edit is named as what changed the weight", () => {
  const muted = { ...SMALL, density: 2, percentile: 0.98, weight: 0.00001, editFactors: [0.01] };
  expect(reason(muted).expected).toContain("An edit changed its weight: × 0.01.");
  expect(reason({ ...muted, editFactors: [4, 0.5] }).expected).toContain("Edits changed its weight: × 4 and × 0.5.");
  expect(reason({ ...muted, editFactors: [] }).expected).not.toContain("dit");
});
