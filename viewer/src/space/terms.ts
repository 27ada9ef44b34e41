// The words that name a cluster: as long as words are, also where a corpus has others.

const MOST_CHARS = 20;

/** Never ends within a character of two code units. */
export function shortTerm(term: string): string {
  const chars = Array.from(term);
  return chars.length > MOST_CHARS ? `${chars.slice(0, MOST_CHARS - 1).join("")}…` : term;
}
