// What the service says and hears, by the names of its routes (serve/messages). Texts in here are of strangers.

interface Limits {
  readonly ids: number;
  readonly texts: number;
  readonly text_chars: number;
  readonly results: number;
}

export interface ServiceInfo {
  readonly version: string;
  /** Where a prompt can be opened in a chat; null without one. */
  readonly chat_url: string | null;
  /** What this caller may: "open" is a service without tokens, where everyone may all. */
  readonly scope: "read" | "publish" | "open";
  readonly limits: Limits;
  readonly snapshot_id: string | null;
}

export interface PointsMeta {
  readonly snapshot_id: string;
  readonly num_points: number;
  readonly header_bytes: number;
  readonly point_bytes: number;
  readonly level_ends: readonly number[];
  readonly chunk_rows: number;
  readonly sources: readonly { readonly code: number; readonly name: string; readonly size: number }[];
  readonly clusters: readonly { readonly label: number; readonly size: number; readonly terms: readonly string[] }[];
  readonly cluster_label_bytes: number;
  readonly bounds: { readonly min: readonly number[]; readonly max: readonly number[] };
}

export interface Previews {
  readonly snapshot_id: string;
  readonly chunk: number;
  readonly first_point: number;
  readonly ids: readonly string[];
  readonly previews: readonly string[];
}

/** What a list shows of a prompt. */
export interface Brief {
  readonly id: string;
  readonly preview: string;
  readonly source: string;
  readonly point: number | null;
  readonly weight: number;
  readonly loss_weight: number;
  readonly density_percentile: number;
  readonly distance: number | null;
}

export interface Turn {
  readonly role: string;
  readonly content: string;
}

export interface Pair {
  readonly messages: readonly Turn[];
  readonly chosen: string | null;
  readonly rejected: string | null;
  readonly source: string;
}

export interface Prompt {
  readonly snapshot_id: string;
  readonly id: string;
  readonly text: string;
  readonly messages: readonly Turn[];
  readonly source: string;
  readonly sources: readonly { readonly source: string; readonly count: number }[];
  readonly num_pairs: number;
  readonly num_complete_pairs: number;
  /** Share of draws; all sum to 1. */
  readonly weight: number;
  readonly loss_weight: number;
  readonly density_percentile: number;
  readonly density: number;
  /** What edits multiplied its weight by, the first one first; null where it cannot be told. */
  readonly edit_factors: readonly number[] | null;
  readonly row: number;
  readonly point: number | null;
  readonly cluster: number;
  readonly cluster_terms: readonly string[];
  /** The first of its near duplicates, which may be itself. */
  readonly duplicate_of: string;
  readonly pairs: readonly Pair[];
  readonly more_pairs: number;
}

/** Whole texts, in the order asked for. */
export interface Texts {
  readonly snapshot_id: string;
  readonly prompts: readonly {
    readonly id: string;
    readonly text: string;
    readonly source: string;
    readonly point: number | null;
    readonly weight: number;
    readonly loss_weight: number;
    readonly density_percentile: number;
  }[];
  /** Ids that the snapshot does not have. */
  readonly missing: readonly string[];
}

export interface Neighbors {
  readonly snapshot_id: string;
  readonly id: string;
  readonly neighbors: readonly Brief[];
}

export type SearchMode = "substring" | "meaning";

export interface SearchAnswer {
  readonly snapshot_id: string;
  readonly mode: SearchMode;
  /** All prompts with the substring; null by meaning. */
  readonly total: number | null;
  readonly results: readonly Brief[];
}

/** Where an unseen text falls on the map. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly density_percentile: number;
  readonly truncated: boolean;
  readonly neighbors: readonly { readonly id: string; readonly distance: number }[];
}

export interface SnapshotEntry {
  readonly snapshot_id: string;
  readonly created_at: string;
  readonly current: boolean;
}

export interface EditAnswer {
  readonly snapshot_id: string;
  readonly parent: string;
  readonly is_new: boolean;
}
