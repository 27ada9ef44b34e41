"""Messages on health, snapshots and edits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from serve.messages.common import PROMPT, SNAPSHOT, Message, SnapshotId, example

CHILD = "c0d4f1ab29e37785"
CARD = f"""Snapshot {SNAPSHOT}  built 2026-11-20T22:53:23+00:00

rows          3,600 = 3,462 accepted + 30 rejected + 108 duplicates
prompts       3,138
"""
"""The beginning of a card."""
_LISTED = {"snapshot_id": SNAPSHOT, "created_at": "2026-11-20T22:53:23+00:00", "current": True}


class Alive(Message):
    """The process answers."""

    model_config = example({"status": "alive"})
    status: Literal["alive"]


class Ready(Message):
    """A snapshot is open. `problem` says why the store could not be followed at the last look, if so."""

    model_config = example({"status": "ready", "snapshot_id": SNAPSHOT, "problem": None})
    status: Literal["ready"]
    snapshot_id: SnapshotId
    problem: str | None


class SnapshotEntry(Message):
    """A snapshot that `?snapshot=` may name."""

    model_config = example(_LISTED)
    snapshot_id: SnapshotId
    created_at: str
    current: bool


class SnapshotList(Message):
    """Every snapshot, newest first."""

    model_config = example({"snapshots": [_LISTED]})
    snapshots: list[SnapshotEntry]


class CurrentSnapshot(Message):
    """The snapshot that is answered from where none is named."""

    model_config = example({"snapshot_id": SNAPSHOT})
    snapshot_id: SnapshotId


class ColumnEntry(Message):
    """A file of a snapshot; `owner` is the snapshot in whose folder it lies, when that is another one."""

    name: str
    file: str
    bytes: int
    checksum: str
    rows: int
    dtype: str
    shape: list[int]
    owner: SnapshotId | None = None


class ManifestAnswer(Message):
    """How a snapshot was made, its columns and its numbers, as in its file (kat_ray/snapshot/manifest.py)."""

    model_config = example(
        {
            "snapshot_id": SNAPSHOT,
            "created_at": "2026-11-20T22:53:23+00:00",
            "counts": {"input": 3600, "accepted": 3462, "rejected": 30, "duplicates": 108, "prompts": 3138},
            "encoder": {"name": "sentence:sentence-transformers/all-MiniLM-L6-v2", "dimension": 384},
            "parameters": {"k": 10, "index": "exact", "weights": {"power": 1.0, "cap": None}},
            "input_hash": "4842e11ce2941ece3b92deb156bd94f2",
            "seeds": {"layout": 42},
            "libraries": {"numpy": "2.4.6"},
            "columns": [
                {
                    "name": "weights",
                    "file": "weights.npy",
                    "bytes": 25232,
                    "checksum": "9f" * 32,
                    "rows": 3138,
                    "dtype": "<f8",
                    "shape": [3138],
                }
            ],
            "stage_seconds": {"embeddings": 11.154, "layout": 9.276},
            "diagnostics": {"effective_sample_size": 0.978, "gini": 0.084, "recall": None},
            "notes": [],
            "schema_version": 1,
        }
    )
    snapshot_id: SnapshotId
    created_at: str
    counts: dict[str, int]
    encoder: dict[str, Any]
    parameters: dict[str, Any]
    input_hash: str
    seeds: dict[str, int]
    libraries: dict[str, str]
    columns: list[ColumnEntry]
    stage_seconds: dict[str, float]
    diagnostics: dict[str, Any]
    notes: list[str]
    schema_version: int


class EditRequest(Message):
    """Prompts whose weights are multiplied; all weights are scaled to sum 1 again."""

    model_config = example({"ids": [PROMPT], "factor": 0.25})
    ids: Annotated[list[str], Field(min_length=1, description="Prompt ids; all must be in the snapshot.")]
    factor: Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]


class EditAnswer(Message):
    """The child snapshot, which is not the current one yet: PUT /v1/snapshots/current makes it so."""

    model_config = example({"snapshot_id": CHILD, "parent": SNAPSHOT, "is_new": True})
    snapshot_id: SnapshotId
    parent: SnapshotId
    is_new: bool
