// Which words stand in only one of two texts: a longest common subsequence of words, after equal ends are cut off.

/** A run of a text; `isOwn` when the other text does not have it there. */
export interface Part {
  readonly text: string;
  readonly isOwn: boolean;
}

const MOST_STEPS = 4_000_000;

/** The parts of both texts, in order; null when they are too long to be compared. */
export function difference(left: string, right: string): readonly [Part[], Part[]] | null {
  const [a, b] = [words(left), words(right)];
  const start = commonStart(a, b);
  const end = commonEnd(a, b, start);
  const [middleA, middleB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (middleA.length * middleB.length > MOST_STEPS) return null;
  const [keptA, keptB] = kept(middleA, middleB);
  return [parts(a, start, end, keptA), parts(b, start, end, keptB)];
}

/** Words, each with the space after it. */
function words(text: string): string[] {
  return text.match(/\s+|[^\s]+\s*/gu) ?? [];
}

function commonStart(a: readonly string[], b: readonly string[]): number {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  return start;
}

function commonEnd(a: readonly string[], b: readonly string[], start: number): number {
  const most = Math.min(a.length, b.length) - start;
  let end = 0;
  while (end < most && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return end;
}

/** Which words of each belong to one longest common subsequence. */
function kept(a: readonly string[], b: readonly string[]): [boolean[], boolean[]] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const [down, across] = [lengths[(i + 1) * width + j], lengths[i * width + j + 1]];
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(down, across);
    }
  }
  const [keptA, keptB] = [a.map(() => false), b.map(() => false)];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) [keptA[i++], keptB[j++]] = [true, true];
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
    else j++;
  }
  return [keptA, keptB];
}

function parts(all: readonly string[], start: number, end: number, kept: readonly boolean[]): Part[] {
  const runs: { text: string; isOwn: boolean }[] = [];
  for (const [number, word] of all.entries()) {
    const isOwn = number >= start && number < all.length - end && !kept[number - start];
    const last = runs.at(-1);
    if (last?.isOwn === isOwn) last.text += word;
    else runs.push({ text: word, isOwn });
  }
  return runs;
}
