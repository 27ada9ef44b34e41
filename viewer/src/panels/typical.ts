// How far a typical prompt is from its neighbors: what a single distance is compared with.

import type { Api } from "../api";
import type { Corpus } from "../data/corpus";

const MEDIAN = 0.5;
const NEAR_ENOUGH = 0.004;

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
  for (let point = 0; point < corpus.cloud.loaded; point++) {
    if (Math.abs(corpus.densityPercentile(point) - MEDIAN) > NEAR_ENOUGH) continue;
    const { id } = await corpus.preview(point);
    return 1 / (await api.prompt(id, corpus.snapshotId)).density;
  }
  return null;
}
