// How numbers are said: the same everywhere on the page.

const WHOLE = new Intl.NumberFormat("en-US");
const BANDS = ["very rare", "uncommon", "common", "very common"] as const;

/** 3138 -> "3,138" */
export function count(number: number): string {
  return WHOLE.format(number);
}

/** "1 prompt", "3,138 prompts" */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A share of 0 to 1 -> "12.3 %" */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** A share of draws of 0 to 1 -> "12.3 %", "0.042 %": two digits that count where it is small. */
export function drawn(share: number): string {
  if (share > 0 && share < 1e-5) return "< 0.001 %";
  return share > 0 && share < 0.01 ? `${(share * 100).toPrecision(2)} %` : percent(share);
}

/** A density percentile of 0 to 1 -> "denser than 12 % of prompts": points have it in eight bits, no finer. */
export function denser(percentile: number): string {
  return `denser than ${percent(percentile, 0)} of prompts`;
}

/** A ratio -> "×1.31"; two digits that count, more only for small ones. */
export function times(ratio: number): string {
  if (ratio >= 100) return `×${count(Math.round(ratio))}`;
  return `×${ratio >= 0.1 || ratio === 0 ? ratio.toFixed(2) : ratio.toPrecision(2)}`;
}

/** The quarter of the corpus that a density percentile of 0 to 1 falls in. */
export function band(percentile: number): string {
  return BANDS[Math.min(3, Math.max(0, Math.floor(percentile * 4)))];
}

/** "2026-11-20T22:53:23+00:00" -> "20 Nov 22:53" in the reader's time zone, with the year when it is another one. */
export function moment(timestamp: string): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return timestamp;
  const isThisYear = time.getFullYear() === new Date().getFullYear();
  const [day, clock] = [
    time.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) }),
    time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }),
  ];
  return `${day} ${clock}`;
}
