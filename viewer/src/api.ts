// The service over HTTP: one function a route, errors that say what happened. Knows nothing of what is shown.
//
// A request without a valid token waits until one is given, then goes on. The token lives in this tab alone.

import { FormatError } from "./format";
import type {
  EditAnswer,
  Neighbors,
  Place,
  PointsMeta,
  Previews,
  Prompt,
  SearchAnswer,
  SearchMode,
  ServiceInfo,
  SnapshotEntry,
} from "./messages";
import { Kept } from "./storage";

type Signal = AbortSignal | undefined;

/** What a token looks like; a header takes no other signs. */
export const TOKEN = /^[\x21-\x7e]+$/;
const TOKEN_KEY = "kat-ray.token";
const BUSY_RETRIES = 3;
const LONGEST_WAIT_SECONDS = 5;

/** A request that was not answered as asked. */
export class ApiError extends Error {
  /** Null when the service was not reached. */
  readonly status: number | null;
  readonly detail: string;
  readonly retryAfterSeconds: number | null;

  constructor(status: number | null, detail: string, retryAfterSeconds: number | null = null) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The routes of one service. Example: `await new Api().meta(null)` */
export class Api {
  /** Asks for a token; true when an earlier one was refused. Null when nobody gives one. */
  onUnauthorized: ((wasRefused: boolean) => Promise<string | null>) | null = null;
  /** Hears of another token. */
  onToken: (() => void) | null = null;
  /** Hears of each request whether the service was reached. */
  onReach: ((isReached: boolean) => void) | null = null;
  readonly #base: string;
  readonly #kept = new Kept(() => window.sessionStorage, TOKEN_KEY);
  #asked: Promise<string | null> | null = null;

  constructor(base = "") {
    this.#base = base;
  }

  get token(): string | null {
    const token = this.#kept.value;
    return token !== null && TOKEN.test(token) ? token : null;
  }

  set token(token: string | null) {
    const before = this.token;
    this.#kept.value = token;
    if (token !== before) this.onToken?.();
  }

  service(signal?: Signal): Promise<ServiceInfo> {
    return this.#json("/v1/service", null, {}, signal);
  }

  /** Whether the process answers; needs no token and is refused by no limit. */
  async isAlive(signal?: Signal): Promise<boolean> {
    try {
      await this.#send("/v1/health/live", {}, signal);
      return true;
    } catch {
      return false;
    }
  }

  meta(snapshot: string | null, signal?: Signal): Promise<PointsMeta> {
    return this.#json("/v1/points/meta", snapshot, {}, signal);
  }

  /** The points' bytes as they come; `range` is the first and the last byte wanted. */
  points(snapshot: string | null, range?: readonly [number, number], signal?: Signal): Promise<Response> {
    const headers: Record<string, string> = range === undefined ? {} : { Range: `bytes=${range[0]}-${range[1]}` };
    return this.#answer(named("/v1/points", { snapshot }), { headers }, signal);
  }

  /** The bytes of a binary route, such as "/v1/points/weights". */
  bytes(path: string, snapshot: string | null, signal?: Signal): Promise<ArrayBuffer> {
    return this.#bytes(named(path, { snapshot }), signal);
  }

  /** Another snapshot's prompts on the map of this one, as bytes (data/comparison.ts). */
  comparison(other: string, snapshot: string, signal?: Signal): Promise<ArrayBuffer> {
    return this.#bytes(named("/v1/points/comparison", { with: other, snapshot }), signal);
  }

  previews(snapshot: string | null, chunk: number, signal?: Signal): Promise<Previews> {
    return this.#json(`/v1/points/previews/${chunk}`, snapshot, {}, signal);
  }

  prompt(id: string, snapshot: string | null, signal?: Signal): Promise<Prompt> {
    return this.#json(`/v1/prompts/${encodeURIComponent(id)}`, snapshot, {}, signal);
  }

  neighbors(id: string, snapshot: string | null, signal?: Signal): Promise<Neighbors> {
    return this.#json(`/v1/prompts/${encodeURIComponent(id)}/neighbors`, snapshot, {}, signal);
  }

  search(
    text: string,
    mode: SearchMode,
    limit: number,
    snapshot: string | null,
    signal?: Signal,
  ): Promise<SearchAnswer> {
    return this.#json("/v1/search", snapshot, body("POST", { text, mode, limit }), signal);
  }

  async project(texts: readonly string[], snapshot: string | null, signal?: Signal): Promise<readonly Place[]> {
    const asked = body("POST", { texts });
    return (await this.#json<{ results: Place[] }>("/v1/project", snapshot, asked, signal)).results;
  }

  /** What to throw where a body breaks off: the service went away while it was sent, unless nobody wants it any more. */
  lost(error: unknown): unknown {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    this.onReach?.(false);
    return unreached();
  }

  /** Newest first. */
  async snapshots(signal?: Signal): Promise<readonly SnapshotEntry[]> {
    return (await this.#json<{ snapshots: SnapshotEntry[] }>("/v1/snapshots", null, {}, signal)).snapshots;
  }

  /** Makes a snapshot the one that trainers and pages get which name none; needs the scope publish. */
  async switchTo(snapshot: string, signal?: Signal): Promise<void> {
    await this.#json("/v1/snapshots/current", null, body("PUT", { snapshot_id: snapshot }), signal);
  }

  /** Publishes a child with some weights multiplied; needs the scope publish. */
  edit(snapshot: string, ids: readonly string[], factor: number, signal?: Signal): Promise<EditAnswer> {
    const path = `/v1/snapshots/${encodeURIComponent(snapshot)}/edits`;
    return this.#json(path, null, body("POST", { ids, factor }), signal);
  }

  async #json<Answer>(path: string, snapshot: string | null, init: RequestInit, signal: Signal): Promise<Answer> {
    const answer = await this.#answer(named(path, { snapshot }), init, signal);
    const text = await answer.text().catch((error) => {
      throw this.lost(error);
    });
    return read(text) as Answer;
  }

  async #bytes(address: string, signal: Signal): Promise<ArrayBuffer> {
    const answer = await this.#answer(address, {}, signal);
    return await answer.arrayBuffer().catch((error) => {
      throw this.lost(error);
    });
  }

  /** Sends, waits for a token where one is needed, and tries again while the service is busy. */
  async #answer(address: string, init: RequestInit, signal: Signal): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const token = this.token;
      try {
        return await this.#send(address, init, signal);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 401 && (await this.#renew(token)) !== null) continue;
        if (error.status !== 429 || attempt >= BUSY_RETRIES) throw error;
        await pause(Math.min(error.retryAfterSeconds ?? 1, LONGEST_WAIT_SECONDS), signal);
      }
    }
  }

  async #send(address: string, init: RequestInit, signal: Signal): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== null) headers.set("Authorization", `Bearer ${this.token}`);
    let answer: Response;
    try {
      answer = await fetch(this.#base + address, { ...init, headers, signal: signal ?? null });
    } catch (error) {
      if (signal?.aborted) throw error;
      this.onReach?.(false);
      throw unreached();
    }
    const error = answer.ok ? null : await problem(answer);
    signal?.throwIfAborted();
    this.onReach?.(error?.status !== null || error === null);
    if (error !== null) throw error;
    return answer;
  }

  /** Asks once for all requests that wait; `refused` is the token that was sent. */
  async #renew(refused: string | null): Promise<string | null> {
    if (this.token !== refused && this.token !== null) return this.token;
    if (this.onUnauthorized === null) return null;
    this.#asked ??= this.onUnauthorized(refused !== null).finally(() => {
      this.#asked = null;
    });
    const token = await this.#asked;
    if (token !== null) this.token = token;
    return token;
  }
}

/** A path with the parameters that are not null. */
function named(path: string, parameters: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

function body(method: string, value: object): RequestInit {
  return { method, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } };
}

function unreached(): ApiError {
  return new ApiError(null, "The service does not answer.");
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError("The service answered something that is not JSON. Is this address a KAT-Ray service?");
  }
}

/** A failure without the service's own sentence is a proxy's: the service is away. */
async function problem(answer: Response): Promise<ApiError> {
  const detail = await answer
    .json()
    .then((value: unknown) => (value as { detail?: unknown } | null)?.detail)
    .catch(() => undefined);
  if (typeof detail !== "string") {
    if (answer.status >= 500) return unreached();
    return new ApiError(answer.status, `The service answers ${answer.status}.`);
  }
  const seconds = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(answer.status, detail, Number.isFinite(seconds) ? seconds : null);
}

function pause(seconds: number, signal: Signal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
