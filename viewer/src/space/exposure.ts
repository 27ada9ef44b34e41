// What a sampler does with weights: shares, effective size, and draws that hardly change while a slider moves.

import type { Cloud } from "../data/cloud";

const GOLDEN = 0.6180339887498949;

/** Times that each point is drawn, about `numDraws` in all: floor(numDraws p + u) with p proportional to
 * weight^strength and a fixed u for each point.
 *
 * Expected copies are numDraws p, off by less than one (as in systematic resampling). Since u stays, a change of
 * strength moves only draws whose share it changes. u runs along the golden ratio: points that are neighbors in the
 * cloud have u spread evenly, so that the draws of any region add up to its share, and all of them to `numDraws`, but
 * for a few.
 */
export function draws(weights: Float32Array, strength: number, numDraws: number): Uint16Array {
  const copies = new Uint16Array(weights.length);
  const scale = numDraws / powerSum(weights, strength);
  let threshold = GOLDEN / 2;
  for (let point = 0; point < weights.length; point++) {
    copies[point] = Math.min(65535, scale * power(weights[point], strength) + threshold);
    threshold += GOLDEN;
    if (threshold >= 1) threshold -= 1;
  }
  return copies;
}

/** [10] share of all draws that fall on each decile of density, rarest first; a tenth each means uniform. */
export function decileShares(cloud: Cloud, weights: Float32Array, strength: number): Float64Array {
  const shares = new Float64Array(10);
  let sum = 0;
  for (let point = 0; point < cloud.loaded; point++) {
    const mass = power(weights[point], strength);
    shares[Math.min(9, Math.floor(((cloud.values[4 * point + 3] >> 8) * 10) / 255))] += mass;
    sum += mass;
  }
  return shares.map((share) => share / sum);
}

/** Effective sample size over the number of prompts, (sum p)^2 / (N sum p^2): 1 for uniform draws (Kish). */
export function effectiveShare(weights: Float32Array, strength: number): number {
  const sum = powerSum(weights, strength);
  return (sum * sum) / (weights.length * powerSum(weights, 2 * strength));
}

/** Share of all draws that falls on these points. */
export function shareOf(weights: Float32Array, points: Uint32Array): number {
  let sum = 0;
  for (const point of points) sum += weights[point];
  return sum / powerSum(weights, 1);
}

/** The same share after their weights are multiplied and all are scaled to sum 1 again. */
export function editedShare(share: number, factor: number): number {
  return (factor * share) / (factor * share + 1 - share);
}

function powerSum(weights: Float32Array, strength: number): number {
  let sum = 0;
  for (const weight of weights) sum += power(weight, strength);
  return sum;
}

/** A weight of zero is muted: it stays out at any strength. */
function power(weight: number, strength: number): number {
  if (strength === 1 || weight === 0) return weight;
  return strength === 0 ? 1 : weight ** strength;
}
