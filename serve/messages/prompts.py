"""Messages on single prompts and on the map."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serve.messages.common import PROMPT, SNAPSHOT, Message, PromptId, Share, SnapshotId, example
from serve.messages.texts import BRIEF, Brief

_TEXT = "How do I bake sourdough bread at home?"
_NEAREST = {**BRIEF, "id": "bbd382c73b990922", "preview": "Which flour makes the best bread?", "distance": 0.67}

_WHOLE = {
    "id": PROMPT,
    "text": _TEXT,
    "source": "hh-rlhf",
    "point": 1804,
    "weight": 0.00037,
    "loss_weight": 1.161,
    "density_percentile": 0.124,
}


class Turn(Message):
    """One turn of a conversation. Its content is untrusted text: show it as text, never as HTML."""

    role: str
    content: str


class SourceCount(Message):
    """Pairs of a prompt from one source."""

    source: str
    count: int


class PairRecord(Message):
    """A prefix with its replies; a missing reply is null."""

    messages: list[Turn]
    chosen: str | None
    rejected: str | None
    source: str


class PromptAnswer(Message):
    """One prompt; `duplicate_of` is the first of its near duplicates, which may be itself, `edit_factors` what edits
    multiplied its weight by, the first edit first: null where a snapshot that this one came from is gone."""

    model_config = example(
        {
            "snapshot_id": SNAPSHOT,
            "id": PROMPT,
            "text": _TEXT,
            "messages": [{"role": "user", "content": _TEXT}],
            "source": "hh-rlhf",
            "sources": [{"source": "hh-rlhf", "count": 1}],
            "num_pairs": 1,
            "num_complete_pairs": 0,
            "weight": 0.00037,
            "loss_weight": 1.161,
            "density_percentile": 0.124,
            "row": 0,
            "point": 1804,
            "density": 1.02,
            "edit_factors": [],
            "cluster": 3,
            "cluster_terms": ["bread", "bake"],
            "duplicate_of": PROMPT,
            "pairs": [],
            "more_pairs": 0,
        }
    )
    snapshot_id: SnapshotId
    id: PromptId
    text: str
    messages: list[Turn]
    source: str
    sources: list[SourceCount]
    num_pairs: int
    num_complete_pairs: int
    weight: Share
    loss_weight: Annotated[float, Field(ge=0.0)]
    density_percentile: Share
    row: int
    point: int | None
    density: float
    edit_factors: list[float] | None
    cluster: int
    cluster_terms: list[str]
    duplicate_of: PromptId
    pairs: list[PairRecord]
    more_pairs: int


class NeighborsAnswer(Message):
    """The nearest other prompts, nearest first, as the snapshot's graph has them."""

    model_config = example({"snapshot_id": SNAPSHOT, "id": PROMPT, "neighbors": [_NEAREST]})
    snapshot_id: SnapshotId
    id: PromptId
    neighbors: list[Brief]


class PromptsRequest(Message):
    """Ids of prompts, in any order."""

    model_config = example({"ids": [PROMPT]})
    ids: Annotated[list[PromptId], Field(min_length=1)]


class PromptText(Message):
    """The whole text of a prompt, and its numbers."""

    id: PromptId
    text: str
    source: str
    point: int | None
    weight: Share
    loss_weight: Annotated[float, Field(ge=0.0)]
    density_percentile: Share


class PromptsAnswer(Message):
    """One record a prompt, in the order asked for; `missing` are the ids that the snapshot does not have."""

    model_config = example({"snapshot_id": SNAPSHOT, "prompts": [_WHOLE], "missing": []})
    snapshot_id: SnapshotId
    prompts: list[PromptText]
    missing: list[PromptId]


class SourceEntry(Message):
    """A source by its code in the points."""

    code: int
    name: str
    size: int


class ClusterEntry(Message):
    """A cluster with the words that set it apart."""

    label: int
    size: int
    terms: list[str]


class Bounds(Message):
    """The box around all points."""

    min: list[float]
    max: list[float]


class PointsMeta(Message):
    """What a reader of the point cloud needs besides its bytes (kat_ray/snapshot/point_cloud.py is the format)."""

    model_config = example(
        {
            "snapshot_id": SNAPSHOT,
            "num_points": 3138,
            "header_bytes": 32,
            "point_bytes": 8,
            "level_ends": [48, 183, 753, 3138],
            "chunk_rows": 512,
            "sources": [{"code": 0, "name": "hh-rlhf", "size": 3138}],
            "clusters": [{"label": 3, "size": 3138, "terms": ["bread", "bake"]}],
            "cluster_label_bytes": 2,
            "bounds": {"min": [-1.0, -0.48, -0.6], "max": [0.75, 0.54, 0.36]},
        }
    )
    snapshot_id: SnapshotId
    num_points: int
    header_bytes: int
    point_bytes: int
    level_ends: list[int]
    chunk_rows: int
    sources: list[SourceEntry]
    clusters: list[ClusterEntry]
    cluster_label_bytes: int
    bounds: Bounds


class Previews(Message):
    """Ids and beginnings of texts of one chunk of the point cloud, in its order."""

    model_config = example(
        {"snapshot_id": SNAPSHOT, "chunk": 0, "first_point": 0, "ids": [PROMPT], "previews": [_TEXT]}
    )
    snapshot_id: SnapshotId
    chunk: int
    first_point: int
    ids: list[PromptId]
    previews: list[str]
