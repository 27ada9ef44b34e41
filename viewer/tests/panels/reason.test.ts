import { expect, test } from "vitest";
import { reason } from "../../src/panels/reason";

test("a rare prompt of a large corpus: alone, and drawn more often, though seldom", () => {
  const said = reason({ density: 1.02, percentile: 0.02, weight: 1.4 / 253_110, numPrompts: 253_110 });
  expect(said).toContain("0.98 away on average");
  expect(said).toContain("only 2.0 % of all prompts stand more alone");
  expect(said).toContain("about 1.4 times as often as an average prompt");
  expect(said).toContain("in 10,000 draws about 0.06 times, or once in 180,000");
});

test("a crowded prompt of a small corpus", () => {
  const said = reason({ density: 4, percentile: 0.9, weight: 0.8 / 1000, numPrompts: 1000 });
  expect(said).toContain("0.25 away");
  expect(said).toContain("in 10,000 draws about 8.0 times.");
  expect(said).not.toContain("edited");
});

test("a weight against the rule is said to be one", () => {
  expect(reason({ density: 1, percentile: 0.1, weight: 0.01 / 1000, numPrompts: 1000 })).toContain("was edited");
  expect(reason({ density: 1, percentile: 0.1, weight: 1 / 1000, numPrompts: 1000 })).not.toContain("was edited");
});
