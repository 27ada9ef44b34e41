// Why a prompt has its weight, and what training does with it, in sentences made of its numbers.

import { count, percent } from "./words";

/** The numbers of one prompt that its weight follows from. */
export interface Numbers {
  /** 1 over the mean distance to its neighbors. */
  readonly density: number;
  /** 0 to 1. */
  readonly percentile: number;
  /** Share of draws. */
  readonly weight: number;
  readonly numPrompts: number;
}

const DRAWS = 10_000;
const CLEARLY = 1.05;

/** One paragraph for people who have not read the manual. */
export function reason(numbers: Numbers): string {
  return [place(numbers), drawing(numbers), surprise(numbers)].filter((sentence) => sentence !== "").join(" ");
}

function place({ density, percentile }: Numbers): string {
  const distance = (1 / density).toFixed(2);
  const others =
    percentile < 0.5
      ? `only ${percent(percentile)} of all prompts stand more alone`
      : `${percent(percentile)} of all prompts stand more alone`;
  return `Its nearest prompts are ${distance} away on average (0 is the same text, 1.41 unrelated): ${others}.`;
}

function drawing({ weight, numPrompts }: Numbers): string {
  const ratio = weight * numPrompts;
  const compared =
    ratio > 0.995 && ratio < 1.005
      ? "as often as an average prompt"
      : `about ${ratio.toPrecision(ratio >= 0.1 ? 2 : 1)} times as often as an average prompt`;
  const expected = weight * DRAWS;
  const once = expected < 1 ? `, or once in ${count(rounded(1 / weight))}` : "";
  return `Training will draw it ${compared}: in ${count(DRAWS)} draws about ${amount(expected)} times${once}.`;
}

/** A weight against the rule was set by an edit, or by another rule. */
function surprise({ percentile, weight, numPrompts }: Numbers): string {
  const ratio = weight * numPrompts;
  const isAgainst = (percentile < 0.25 && ratio * CLEARLY < 1) || (percentile > 0.75 && ratio > CLEARLY);
  return isAgainst ? "Its place alone would say otherwise: its weight was edited, or has a rule of its own." : "";
}

function amount(expected: number): string {
  if (expected >= 10) return count(Math.round(expected));
  return expected >= 1 ? expected.toFixed(1) : expected.toPrecision(1);
}

function rounded(number: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(number)) - 1);
  return Math.round(number / step) * step;
}
