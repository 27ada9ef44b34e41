// One connection to the service: the token, tries while it is busy, and errors that say what happened. Knows no route.
//
// A request without a valid token waits until one is given, then goes on. The token lives in this tab alone.

import { FormatError } from "./format";
import { Kept } from "./storage";

export type Signal = AbortSignal | undefined;

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

/** Requests to one service. Example: `await new Connection().json("/v1/service", null, {})` */
export class Connection {
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

  /** Whether the process answers; needs no token and is refused by no limit. */
  async isAlive(signal?: Signal): Promise<boolean> {
    try {
      await this.#send("/v1/health/live", {}, signal);
      return true;
    } catch {
      return false;
    }
  }

  /** What to throw where a body breaks off: the service went away while it was sent, unless nobody wants it any more. */
  lost(error: unknown): unknown {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    this.onReach?.(false);
    return unreached();
  }

  protected async json<Answer>(
    path: string,
    snapshot: string | null,
    init: RequestInit,
    signal: Signal,
  ): Promise<Answer> {
    const answer = await this.answer(named(path, { snapshot }), init, signal);
    const text = await answer.text().catch((error) => {
      throw this.lost(error);
    });
    return read(text) as Answer;
  }

  protected async buffer(address: string, signal: Signal): Promise<ArrayBuffer> {
    const answer = await this.answer(address, {}, signal);
    return await answer.arrayBuffer().catch((error) => {
      throw this.lost(error);
    });
  }

  /** Sends, waits for a token where one is needed, and tries again while the service is busy. */
  protected async answer(address: string, init: RequestInit, signal: Signal): Promise<Response> {
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
export function named(path: string, parameters: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
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
