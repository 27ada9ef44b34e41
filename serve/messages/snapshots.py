"""Messages on health, snapshots and edits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serve.messages.common import PROMPT, SNAPSHOT, Message, SnapshotId, example

CHILD = "c0d4f1ab29e37785"
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
