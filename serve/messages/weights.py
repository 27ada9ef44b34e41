"""Messages on weights and draws."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kat_ray.geometry.sampling import DrawMethod
from serve.messages.common import PROMPT, SNAPSHOT, WHOLE, Message, PromptId, Share, SnapshotId, example

MISSING = "0000000000000000"
_END_OF_SEEDS = 2**64  # excluded, since the largest seed itself is no number of JSON tools that count in floats
_PRESENT = {
    "id": PROMPT,
    "status": "present",
    "probability": 0.00037,
    "loss_weight": 1.161,
    "density_percentile": 0.124,
}
_MISSING = {"id": MISSING, "status": "missing", "probability": None, "loss_weight": 1.0, "density_percentile": None}

Seed = Annotated[int, Field(ge=0, lt=_END_OF_SEEDS), WHOLE]


class WeightColumn(Message):
    """Every prompt of the snapshot, in its order; weights are sampling probabilities that sum to 1."""

    model_config = example({"snapshot_id": SNAPSHOT, "ids": [PROMPT], "weights": [0.00037]})
    snapshot_id: SnapshotId
    ids: list[PromptId]
    weights: list[Share]


class WeightsRequest(Message):
    """Prompt ids in any order; any string may be asked for."""

    model_config = example({"ids": [PROMPT, MISSING]})
    ids: Annotated[list[str], Field(min_length=1)]


class WeightRecord(Message):
    """What the snapshot knows of one id. The loss weight has mean 1 over all prompts; a missing id is neutral."""

    model_config = example(_PRESENT)
    id: str
    status: Literal["present", "missing"]
    probability: Share | None
    loss_weight: Annotated[float, Field(ge=0.0)]
    density_percentile: Share | None


class WeightsAnswer(Message):
    """One record an id, in the order asked for."""

    model_config = example({"snapshot_id": SNAPSHOT, "weights": [_PRESENT, _MISSING]})
    snapshot_id: SnapshotId
    weights: list[WeightRecord]


class DrawsRequest(Message):
    """n draws by weight: the same request gives the same answer on every replica and in every client.

    "systematic" is a training list in which a prompt of probability p stands floor or ceil of n p times, spread out.
    """

    model_config = example({"n": 512, "seed": 7, "epoch": 0, "method": "systematic"})
    n: Annotated[int, Field(ge=1), WHOLE]
    seed: Seed = 0
    epoch: Seed = 0
    method: DrawMethod = "systematic"


class DrawsAnswer(Message):
    """Drawn ids in order, with the probability of each in one independent draw."""

    model_config = example({"snapshot_id": SNAPSHOT, "ids": [PROMPT], "probabilities": [0.00037]})
    snapshot_id: SnapshotId
    ids: list[PromptId]
    probabilities: list[Share]
