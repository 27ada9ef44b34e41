// How far a typical prompt is from its neighbors: what a single distance is compared with.

import type { Api } from "../../api";
import type { Corpus } from "../../data/corpus";

/** Of density percentiles, 0 to 255. */
const MEDIAN_CODE = 128;

const known = new WeakMap<Corpus, Promise<number | null>>();

/** Mean distance to its neighbors of a prompt in the middle of all by density, which is the median of these distances;
 * null where it cannot be told. Asked for once.
 */
export function typicalDistance(api: Api, corpus: Corpus): Promise<number | null> {
  const asked = known.get(corpus) ?? ask(api, corpus).catch(() => null);
  known.set(corpus, asked);
  void asked.then((distance) => distance ?? known.delete(corpus));
  return asked;
}

async function ask(api: Api, corpus: Corpus): Promise<number | null> {
  const point = middle(corpus);
  if (point === null) return null;
  const { id } = await corpus.preview(point);
  return 1 / (await api.prompt(id, corpus.snapshotId)).density;
}

/** The point whose density is nearest to the median. */
function middle(corpus: Corpus): number | null {
  let [nearest, least]: [number | null, number] = [null, Number.POSITIVE_INFINITY];
  for (let point = 0; point < corpus.cloud.loaded && least > 0; point++) {
    const away = Math.abs(Math.round(255 * corpus.densityPercentile(point)) - MEDIAN_CODE);
    if (away < least) [nearest, least] = [point, away];
  }
  return nearest;
}
