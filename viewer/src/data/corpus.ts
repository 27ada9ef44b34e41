// A snapshot as a page has it: its points while they arrive, and columns and texts that come when asked for.

import type { Api } from "../api";
import { FormatError } from "../format";
import type { PointsMeta, Previews } from "../messages";
import { type Cloud, CloudReader, HEADER_BYTES, POINT_BYTES } from "./cloud";

/** The beginning of a prompt's text. */
export interface Preview {
  readonly id: string;
  readonly text: string;
}

/** Points of larger snapshots are left out from here on; the first ones are a random sample. */
const MOST_POINTS = 5_000_000;
/** Time between two calls that say that there are more points: each draws the map anew. */
const PAUSE_MILLISECONDS = 200;
/** Chunks of texts that are kept, the last ones used. */
const KEPT_CHUNKS = 128;

/** One snapshot. Example: `await Corpus.load(api, null, () => draw())` */
export class Corpus {
  readonly meta: PointsMeta;
  readonly cloud: Cloud;
  /** Resolves with the last point; rejects with an ApiError or a sentence when they stop coming. */
  readonly complete: Promise<void>;
  readonly #api: Api;
  readonly #chunks = new Map<number, Previews>();
  readonly #asked = new Map<number, Promise<Previews>>();
  readonly #columns = new Map<string, Promise<unknown>>();
  #weights: Float32Array | null = null;
  #clusters: Uint16Array | Uint32Array | null = null;

  private constructor(api: Api, meta: PointsMeta, cloud: Cloud, complete: Promise<void>) {
    this.#api = api;
    this.meta = meta;
    this.cloud = cloud;
    this.complete = complete;
    // Whoever waits for it hears of a failure; that nobody waits is no error.
    complete.catch(() => undefined);
  }

  /** Resolves with the first level; `onMore` is called now and then while the others come, the last time at the end.
   * A signal ends it, also later while points still come.
   */
  static async load(
    api: Api,
    snapshotId: string | null,
    onMore: () => void,
    signal: AbortSignal | null = null,
  ): Promise<Corpus> {
    const { meta, answer } = await ask(api, snapshotId, signal);
    const wanted = Math.min(meta.num_points, MOST_POINTS);
    const reader = new CloudReader(wanted);
    const first = meta.level_ends.find((end) => end > 0) ?? wanted;
    const pieces = pump(api, answer, reader, signal);
    while (!reader.isComplete && (reader.cloud?.loaded ?? 0) < first) await step(pieces, reader);
    if (reader.cloud === null) throw new FormatError("The snapshot has no points.");
    return new Corpus(api, meta, reader.cloud, drain(pieces, reader, onMore));
  }

  get snapshotId(): string {
    return this.meta.snapshot_id;
  }

  /** Prompts of the snapshot; `cloud` has less of them while it loads, and of very large snapshots. */
  get numPoints(): number {
    return this.meta.num_points;
  }

  /** Code of the point's source; `sourceName` is its name. */
  source(point: number): number {
    return this.cloud.values[4 * point + 3] & 255;
  }

  sourceName(point: number): string {
    const code = this.source(point);
    return this.meta.sources.find((source) => source.code === code)?.name ?? `source ${code}`;
  }

  /** 0 is the rarest prompt's, 1 the most crowded one's. */
  densityPercentile(point: number): number {
    return (this.cloud.values[4 * point + 3] >> 8) / 255;
  }

  async preview(point: number): Promise<Preview> {
    const chunk = Math.floor(point / this.meta.chunk_rows);
    return textAt(this.#chunks.get(chunk) ?? (await this.#fetchChunk(chunk)), point);
  }

  /** The same where its chunk is there already. */
  previewNow(point: number): Preview | null {
    const chunk = this.#chunks.get(Math.floor(point / this.meta.chunk_rows));
    return chunk === undefined ? null : textAt(chunk, point);
  }

  /** [N] weights as multiples of a uniform one. */
  weights(): Promise<Float32Array> {
    return this.#column("/v1/points/weights", 4, (bytes) => {
      this.#weights = new Float32Array(bytes);
      return this.#weights;
    });
  }

  /** [N] labels of clusters. */
  clusters(): Promise<Uint16Array | Uint32Array> {
    const width = this.meta.cluster_label_bytes;
    return this.#column("/v1/points/clusters", width, (bytes) => {
      this.#clusters = width === 2 ? new Uint16Array(bytes) : new Uint32Array(bytes);
      return this.#clusters;
    });
  }

  /** [N] ids as numbers of 64 bits, which are written as 16 hex digits. */
  ids(): Promise<BigUint64Array> {
    return this.#column("/v1/points/ids", 8, (bytes) => new BigUint64Array(bytes));
  }

  get weightsNow(): Float32Array | null {
    return this.#weights;
  }

  get clustersNow(): Uint16Array | Uint32Array | null {
    return this.#clusters;
  }

  /** Asks once; a failure is forgotten, so that the next call asks again. */
  #column<Column>(path: string, width: number, decode: (bytes: ArrayBuffer) => Column): Promise<Column> {
    const known = this.#columns.get(path);
    if (known !== undefined) return known as Promise<Column>;
    const asked = this.#api.bytes(path, this.snapshotId).then((bytes) => {
      if (bytes.byteLength !== width * this.numPoints) {
        throw new FormatError(`${path} has ${bytes.byteLength} bytes, not ${width * this.numPoints}. Reload the page.`);
      }
      return decode(bytes);
    });
    this.#columns.set(path, asked);
    asked.catch(() => this.#columns.delete(path));
    return asked;
  }

  #fetchChunk(chunk: number): Promise<Previews> {
    const known = this.#asked.get(chunk);
    if (known !== undefined) return known;
    const asked = this.#api
      .previews(this.snapshotId, chunk)
      .then((previews) => this.#keep(chunk, previews))
      .finally(() => this.#asked.delete(chunk));
    this.#asked.set(chunk, asked);
    return asked;
  }

  #keep(chunk: number, previews: Previews): Previews {
    this.#chunks.set(chunk, previews);
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= KEPT_CHUNKS) break;
      this.#chunks.delete(oldest);
    }
    return previews;
  }
}

/** What is said of the points, and the points: both at once, and of one snapshot though another may come in between. */
async function ask(
  api: Api,
  snapshotId: string | null,
  signal: AbortSignal | null,
): Promise<{ meta: PointsMeta; answer: Response }> {
  const stop = new AbortController();
  const either = signal === null ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const range = [0, HEADER_BYTES + POINT_BYTES * MOST_POINTS - 1] as const;
  try {
    const [meta, answer] = await Promise.all([api.meta(snapshotId, either), api.points(snapshotId, range, either)]);
    if (answer.headers.get("X-Snapshot-Id") === meta.snapshot_id) return { meta, answer };
    stop.abort();
    return { meta, answer: await api.points(meta.snapshot_id, range, signal ?? undefined) };
  } catch (error) {
    stop.abort();
    throw error;
  }
}

type Pieces = AsyncGenerator<Uint8Array, void>;

function textAt(chunk: Previews, point: number): Preview {
  const at = point - chunk.first_point;
  return { id: chunk.ids[at], text: chunk.previews[at] };
}

/** The body piece by piece; ends early where the service sent more than was asked for. */
async function* pump(api: Api, answer: Response, reader: CloudReader, signal: AbortSignal | null): Pieces {
  if (answer.body === null) throw new FormatError("The service answered without any points. Reload the page.");
  const body = answer.body.getReader();
  try {
    while (!reader.isComplete) {
      const { done, value } = await body.read().catch((error) => {
        signal?.throwIfAborted();
        throw api.lost(error);
      });
      signal?.throwIfAborted();
      if (done) break;
      yield value;
    }
  } finally {
    // Read to its end, where it ends here, the answer is whole and its connection is used again.
    const isOver = (await body.read().catch(() => ({ done: true }))).done;
    if (!isOver) await body.cancel().catch(() => undefined);
  }
}

/** Takes one piece; an end before all points are there is an error. The browser's timeline tells of the last one. */
async function step(pieces: Pieces, reader: CloudReader): Promise<void> {
  const { done, value } = await pieces.next();
  if (done) reader.finish();
  else reader.push(value);
  if (reader.isComplete) performance.mark("points-loaded");
}

async function drain(pieces: Pieces, reader: CloudReader, onMore: () => void): Promise<void> {
  let told = performance.now();
  while (!reader.isComplete) {
    await step(pieces, reader);
    if (reader.isComplete || performance.now() - told < PAUSE_MILLISECONDS) continue;
    onMore();
    told = performance.now();
  }
  onMore();
  await pieces.return();
}
