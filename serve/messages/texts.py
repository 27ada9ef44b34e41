"""Messages on unseen text and on search."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from serve.messages.common import PROMPT, SNAPSHOT, WHOLE, Message, PromptId, Share, SnapshotId, example
from serve.services.search import SearchMode

MAX_SEARCH_CHARS = 1_000
_NEIGHBOR = {"id": PROMPT, "distance": 0.83}
BRIEF = {
    "id": PROMPT,
    "preview": "How do I bake sourdough bread at home?",
    "source": "hh-rlhf",
    "point": 1804,
    "weight": 0.00037,
    "loss_weight": 1.161,
    "density_percentile": 0.124,
    "distance": None,
}

Text = Annotated[str, StringConstraints(min_length=1)]
Distance = Annotated[float, Field(ge=0.0)]


class TextsRequest(Message):
    """Unseen prompts, each as one user message; they are embedded as the snapshot's own prompts were."""

    model_config = example({"texts": ["How do I bake sourdough bread at home?"]})
    texts: Annotated[list[Text], Field(min_length=1)]


class Neighbor(Message):
    """A prompt near a text, by Euclidean distance of unit vectors."""

    model_config = example(_NEIGHBOR)
    id: PromptId
    distance: Distance


class DensityRecord(Message):
    """How crowded it is around a text, and the weight that it would get on the scale of the snapshot's weights."""

    density: Annotated[float, Field(gt=0.0)]
    density_percentile: Share
    weight: Annotated[float, Field(gt=0.0)]
    truncated: Annotated[bool, Field(description="The encoder's token limit cut the text.")]
    neighbors: list[Neighbor]


class DensityAnswer(Message):
    """One record a text. A text that equals a prompt is unseen too: that prompt is its neighbor at distance 0."""

    model_config = example(
        {
            "snapshot_id": SNAPSHOT,
            "results": [
                {
                    "density": 1.17,
                    "density_percentile": 0.31,
                    "weight": 0.00034,
                    "truncated": False,
                    "neighbors": [_NEIGHBOR],
                }
            ],
        }
    )
    snapshot_id: SnapshotId
    results: list[DensityRecord]


class PlaceRecord(Message):
    """Where a text falls on the map, in the coordinates of the layout."""

    x: float
    y: float
    z: float
    density_percentile: Share
    truncated: bool
    neighbors: list[Neighbor]


class ProjectAnswer(Message):
    """One place a text; the points of the map stay where they are."""

    model_config = example(
        {
            "snapshot_id": SNAPSHOT,
            "results": [
                {
                    "x": 0.12,
                    "y": -0.4,
                    "z": 0.05,
                    "density_percentile": 0.31,
                    "truncated": False,
                    "neighbors": [_NEIGHBOR],
                }
            ],
        }
    )
    snapshot_id: SnapshotId
    results: list[PlaceRecord]


class SearchRequest(Message):
    """Prompts that hold these very characters (in upper or lower case), or the ones nearest in meaning."""

    model_config = example({"text": "sourdough", "mode": "substring", "limit": 20})
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SEARCH_CHARS)]
    mode: SearchMode = "substring"
    limit: Annotated[int, Field(ge=1), WHOLE] = 20


class Brief(Message):
    """What a list shows of a prompt: the beginning of its text, its numbers, and its number in the point cloud."""

    model_config = example(BRIEF)
    id: PromptId
    preview: str
    source: str
    point: int | None
    weight: Share
    loss_weight: Annotated[float, Field(ge=0.0)]
    density_percentile: Share
    distance: Distance | None


class SearchAnswer(Message):
    """Results in the order of the snapshot, or by meaning the nearest first; `total` counts all with the substring."""

    model_config = example({"snapshot_id": SNAPSHOT, "mode": "substring", "total": 1, "results": [BRIEF]})
    snapshot_id: SnapshotId
    mode: SearchMode
    total: int | None
    results: list[Brief]
