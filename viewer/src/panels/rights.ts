// What this reader may do, and what a refusal means for them.

import { ApiError } from "../connection";
import { FormatError } from "../format";
import type { State } from "../state";

/** Whether changes are worth trying, which the service decides in the end; null while it is not known. */
export function mayPublish({ service }: State): boolean | null {
  return service === null ? null : service.scope !== "read";
}

/** A sentence for something that went wrong. */
export function failure(error: unknown): string {
  if (error instanceof FormatError) return error.message;
  if (!(error instanceof ApiError)) throw error;
  if (error.status === null) return "The service does not answer. Try again when it is back.";
  return error.detail;
}

/** Whether it is only that nobody waits for the answer any more. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
