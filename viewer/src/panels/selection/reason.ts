// How rare a prompt is, why, and what training does with it, in sentences made of its numbers.

import { count, percent } from "../words";

/** The numbers of one prompt that its weight follows from. */
export interface Numbers {
  /** 1 over the mean distance to its neighbors. */
  readonly density: number;
  /** 0 to 1. */
  readonly percentile: number;
  /** Share of draws. */
  readonly weight: number;
  readonly numPrompts: number;
  /** What edits multiplied its weight by; null when it is not known. */
  readonly editFactors: readonly number[] | null;
  /** Mean distance to its neighbors of a prompt in the middle of all; null when it is not known. */
  readonly typicalDistance: number | null;
}

/** For people who have not read the manual: what it is, in a few words, and why. */
interface Reason {
  readonly rarity: string;
  readonly why: string;
  readonly drawing: string;
  readonly expected: string;
}

const DRAWS = 10_000;
const CLEARLY = 1.05;
const DISTANCES = "0 would be the same text, 1.41 nothing in common";

export function reason(numbers: Numbers): Reason {
  return {
    rarity: rarity(numbers),
    why: why(numbers),
    drawing: drawing(numbers),
    expected: [expected(numbers), surprise(numbers)].filter((sentence) => sentence !== "").join(" "),
  };
}

/** Rounded down: nothing is rarer than all prompts, itself included. */
function rarity({ percentile }: Numbers): string {
  const share = (others: number) => percent(Math.floor(Math.min(0.999, others) * 1000) / 1000);
  return percentile < 0.5
    ? `Rarer than ${share(1 - percentile)} of prompts`
    : `More common than ${share(percentile)} of prompts`;
}

function why({ density, typicalDistance }: Numbers): string {
  const distance = (1 / density).toFixed(2);
  const typical = typicalDistance === null ? "" : ` where ${typicalDistance.toFixed(2)} is typical`;
  return `Its nearest prompts are ${distance} away on average${typical} (${DISTANCES}).`;
}

function drawing({ weight, numPrompts }: Numbers): string {
  const ratio = weight * numPrompts;
  if (ratio === 0) return "Training never draws it";
  if (ratio > 0.995 && ratio < 1.005) return "Training draws it as often as a uniform sampler would";
  return `Training draws it ${written(ratio)} × as often as a uniform sampler would`;
}

function expected({ weight, numPrompts }: Numbers): string {
  const [own, uniform] = [weight * DRAWS, DRAWS / numPrompts];
  if (own === 0) return "Its weight is 0.";
  const said = `In ${count(DRAWS)} draws about ${amount(own)} times instead of ${amount(uniform)}`;
  return own < 1 ? `${said}, or once in ${count(rounded(1 / weight))}.` : `${said}.`;
}

/** Edits, and weights against the rule of density: an edit that is not known made them, or another rule. */
function surprise({ percentile, weight, numPrompts, editFactors }: Numbers): string {
  if (editFactors !== null && editFactors.length > 0) {
    const factors = editFactors.map((factor) => `× ${factor}`).join(" and ");
    return `${editFactors.length === 1 ? "An edit" : "Edits"} changed its weight: ${factors}.`;
  }
  const ratio = weight * numPrompts;
  const isAgainst = (percentile < 0.25 && ratio * CLEARLY < 1) || (percentile > 0.75 && ratio > CLEARLY);
  return isAgainst ? "Its place alone would say otherwise: its weight was edited, or has a rule of its own." : "";
}

function written(ratio: number): string {
  if (ratio >= 100) return count(Math.round(ratio));
  return ratio >= 10 ? ratio.toFixed(0) : ratio.toPrecision(2);
}

function amount(expected: number): string {
  if (expected >= 10) return count(Math.round(expected));
  return expected >= 1 ? expected.toFixed(1) : expected.toPrecision(1);
}

function rounded(number: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(number)) - 1);
  return Math.round(number / step) * step;
}
