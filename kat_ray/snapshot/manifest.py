"""The format of a snapshot, and its manifest.

A snapshot is a folder `<store>/<snapshot id>/` of columns and a `manifest.json` that was written last. Row i of every
column belongs to row i of `prompts.parquet`; joins go by id. All numbers are little-endian, rows in C order.

    file                     content, N prompts in order of first appearance, D dimensions, K neighbors
    prompts.parquet          ids, texts, messages, sources, counts (`columns.PROMPTS_SCHEMA`), row groups of 2048
    pairs.parquet            accepted pairs in order of appearance (`columns.PAIRS_SCHEMA`)
    rejects.parquet          refused input rows with file, line and reason (`columns.REJECTS_SCHEMA`)
    embeddings.npy           float32 [N, D], rows of length 1
    num_tokens.npy           int32 [N], before truncation
    neighbor_indices.npy     int32 or int64 [N, K], rows of the K nearest others, nearest first
    neighbor_distances.npy   float32 [N, K], Euclidean, ascending
    density.npy              float64 [N], higher is more crowded
    density_percentile.npy   float64 [N] in [0, 1]
    weights.npy              float64 [N], positive, sum 1
    duplicates.npy           int32 [N], near-duplicate group: the smallest row of the group
    clusters.npy             int32 [N], label of the cluster
    clusters.json            list of {"label", "size", "terms"}, the words that set each cluster apart
    layout.npy               float32 [N, 3], centered, one scale for all axes, in [-1, 1]
    manifest.json            the fields of `Manifest`, as one JSON object with sorted keys, UTF-8

A snapshot whose weights were edited (`edits`) holds its own weights.npy; its other columns stay where they are, in the
folder of the snapshot that their record names as `owner`. Columns of one's own have no such key.

The snapshot id is a hash of `parameters`: all that decides the numbers (input, encoder, rendering, precision, ks,
weighting, layout, seeds), not where the build ran. `schema_version` grows when a reader of this page could no longer
read the folder. Parsing is strict: anything not exactly of this form is refused with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from kat_ray.errors import SnapshotDamagedError, SnapshotMismatchError
from kat_ray.snapshot.column_record import ColumnRecord, check_record
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.json_form import check_form, load_object

SCHEMA_VERSION = 1

COLUMN_FILES = {
    "prompts": "prompts.parquet",
    "pairs": "pairs.parquet",
    "rejects": "rejects.parquet",
    "embeddings": "embeddings.npy",
    "num_tokens": "num_tokens.npy",
    "neighbor_indices": "neighbor_indices.npy",
    "neighbor_distances": "neighbor_distances.npy",
    "density": "density.npy",
    "density_percentile": "density_percentile.npy",
    "weights": "weights.npy",
    "duplicates": "duplicates.npy",
    "clusters": "clusters.npy",
    "cluster_terms": "clusters.json",
    "layout": "layout.npy",
}
"""Every column of a full snapshot, and its file."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Every input row is accounted for: accepted + rejected + duplicates = input; blank lines are no rows."""

    input: int
    accepted: int
    rejected: int
    duplicates: int
    prompts: int
    pairs: int
    complete_pairs: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is, how it came to be, and how its files can be verified.

    `encoder` identifies the model (name, revision, dimension, pooling, precision, token limit), `input_hash` the rows
    in order of first appearance; `stage_seconds` are measured wall times; `notes` are sentences for the reader, such
    as a clamped k.
    """

    snapshot_id: str
    created_at: str
    counts: Counts
    encoder: dict[str, Any]
    parameters: dict[str, Any]
    input_hash: str
    seeds: dict[str, int]
    libraries: dict[str, str]
    columns: tuple[ColumnRecord, ...]
    stage_seconds: dict[str, float]
    diagnostics: Diagnostics
    notes: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def column(self, name: str) -> ColumnRecord:
        """The record of a column.

        Raises:
            SnapshotMismatchError: the snapshot has no such column.
        """
        for record in self.columns:
            if record.name == name:
                return record
        known = ", ".join(record.name for record in self.columns)
        raise SnapshotMismatchError(f"Snapshot {self.snapshot_id} has no column {name!r}; it has {known}.")

    def to_json(self) -> bytes:
        """The bytes of `manifest.json`.

        Raises:
            SnapshotMismatchError: a number is NaN or infinite; None says that it could not be measured.
        """
        content = asdict(self)
        for record in content["columns"]:
            if record["owner"] is None:
                del record["owner"]
        try:
            text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise SnapshotMismatchError(f"The manifest cannot be written as JSON: {error}.") from error
        return text.encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Parse and check the bytes of a `manifest.json`.

        Raises:
            SnapshotDamagedError: not JSON, of another schema version, a key missing, unknown or of the wrong type, a
                file name that leads out of the folder, or an id that does not belong to the parameters.
        """
        content = load_object(data, "manifest.json")
        version = content.get("schema_version")
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise SnapshotDamagedError(
                f"manifest.json has schema version {version!r}; this version of KAT-Ray reads {SCHEMA_VERSION}."
            )
        check_form(content, cls, "manifest.json")
        columns = tuple(ColumnRecord(**{**item, "shape": tuple(item["shape"])}) for item in content["columns"])
        counts, notes = Counts(**content["counts"]), tuple(content["notes"])
        manifest = cls(**{**content, "columns": columns, "counts": counts, "notes": notes})
        _check_meaning(manifest)
        return manifest


def snapshot_id(parameters: Mapping[str, Any]) -> str:
    """16 hex digits (BLAKE2b) of the schema version and everything that decides the numbers, as canonical JSON.

    The order of keys does not matter. Parameters hold JSON values only: 1 and 1.0 differ, NaN is refused (ValueError).
    """
    identity = {"schema_version": SCHEMA_VERSION, "parameters": parameters}
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def _check_meaning(manifest: Manifest) -> None:
    counts = manifest.counts
    try:
        expected = snapshot_id(manifest.parameters)
    except ValueError as error:
        raise SnapshotDamagedError(f"manifest.json has parameters that cannot be hashed: {error}.") from error
    if expected != manifest.snapshot_id:
        got = manifest.snapshot_id[:40]
        raise SnapshotDamagedError(
            f"manifest.json says snapshot {got!r}, its parameters give {expected}; it was altered."
        )
    if counts.accepted + counts.rejected + counts.duplicates != counts.input or min(asdict(counts).values()) < 0:
        raise SnapshotDamagedError(f"manifest.json does not account for every input row: {counts}.")
    if missing := {"name", "revision", "dimension"} - set(manifest.encoder):
        raise SnapshotDamagedError(f"manifest.json: encoder lacks {', '.join(sorted(missing))}.")
    if len(manifest.diagnostics["mass_per_density_quartile"]) != 4:
        raise SnapshotDamagedError("manifest.json: mass_per_density_quartile does not have four numbers.")
    _check_time(manifest.created_at)
    for record in manifest.columns:
        check_record(record)
    for what in ("name", "file"):
        if len({getattr(record, what) for record in manifest.columns}) < len(manifest.columns):
            raise SnapshotDamagedError(f"manifest.json lists a column {what} twice.")


def _check_time(text: str) -> None:
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        offset = None
    if offset != timedelta(0):
        raise SnapshotDamagedError(f"manifest.json: created_at is {text[:40]!r}, expected an ISO time in UTC.")
