// The service's routes, one function each. Knows nothing of what is shown.

import { Connection, named, type Signal } from "./connection";
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
  Texts,
} from "./messages";

/** The routes of one service. Example: `await new Api().meta(null)` */
export class Api extends Connection {
  service(signal?: Signal): Promise<ServiceInfo> {
    return this.json("/v1/service", null, {}, signal);
  }

  meta(snapshot: string | null, signal?: Signal): Promise<PointsMeta> {
    return this.json("/v1/points/meta", snapshot, {}, signal);
  }

  /** The points' bytes as they come; `range` is the first and the last byte wanted. */
  points(snapshot: string | null, range?: readonly [number, number], signal?: Signal): Promise<Response> {
    const headers: Record<string, string> = range === undefined ? {} : { Range: `bytes=${range[0]}-${range[1]}` };
    return this.answer(named("/v1/points", { snapshot }), { headers }, signal);
  }

  /** The bytes of a binary route, such as "/v1/points/weights". */
  bytes(path: string, snapshot: string | null, signal?: Signal): Promise<ArrayBuffer> {
    return this.buffer(named(path, { snapshot }), signal);
  }

  /** Another snapshot's prompts on the map of this one, as bytes (data/comparison.ts). */
  comparison(other: string, snapshot: string, signal?: Signal): Promise<ArrayBuffer> {
    return this.buffer(named("/v1/points/comparison", { with: other, snapshot }), signal);
  }

  previews(snapshot: string | null, chunk: number, signal?: Signal): Promise<Previews> {
    return this.json(`/v1/points/previews/${chunk}`, snapshot, {}, signal);
  }

  prompt(id: string, snapshot: string | null, signal?: Signal): Promise<Prompt> {
    return this.json(`/v1/prompts/${encodeURIComponent(id)}`, snapshot, {}, signal);
  }

  /** The whole texts of prompts, as many at once as a search may have results. */
  texts(ids: readonly string[], snapshot: string | null, signal?: Signal): Promise<Texts> {
    return this.json("/v1/prompts", snapshot, body("POST", { ids }), signal);
  }

  neighbors(id: string, snapshot: string | null, signal?: Signal): Promise<Neighbors> {
    return this.json(`/v1/prompts/${encodeURIComponent(id)}/neighbors`, snapshot, {}, signal);
  }

  search(
    text: string,
    mode: SearchMode,
    limit: number,
    snapshot: string | null,
    signal?: Signal,
  ): Promise<SearchAnswer> {
    return this.json("/v1/search", snapshot, body("POST", { text, mode, limit }), signal);
  }

  async project(texts: readonly string[], snapshot: string | null, signal?: Signal): Promise<readonly Place[]> {
    const asked = body("POST", { texts });
    return (await this.json<{ results: Place[] }>("/v1/project", snapshot, asked, signal)).results;
  }

  /** Newest first. */
  async snapshots(signal?: Signal): Promise<readonly SnapshotEntry[]> {
    return (await this.json<{ snapshots: SnapshotEntry[] }>("/v1/snapshots", null, {}, signal)).snapshots;
  }

  /** Makes a snapshot the one that trainers and pages get which name none; needs the scope publish. */
  async switchTo(snapshot: string, signal?: Signal): Promise<void> {
    await this.json("/v1/snapshots/current", null, body("PUT", { snapshot_id: snapshot }), signal);
  }

  /** Publishes a child with some weights multiplied; needs the scope publish. */
  edit(snapshot: string, ids: readonly string[], factor: number, signal?: Signal): Promise<EditAnswer> {
    const path = `/v1/snapshots/${encodeURIComponent(snapshot)}/edits`;
    return this.json(path, null, body("POST", { ids, factor }), signal);
  }
}

function body(method: string, value: object): RequestInit {
  return { method, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } };
}
