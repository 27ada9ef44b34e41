"""Messages on what runs were really trained on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serve.messages.common import SNAPSHOT, WHOLE, Message, Share, SnapshotId, example

RUN = "grpo-7"
_MOST = 2**53
_REPORT = {
    "snapshot_id": SNAPSHOT,
    "num_draws": 1000,
    "num_unknown": 0,
    "expected": [120.0, 110.0, 105.0, 100.0, 100.0, 98.0, 97.0, 95.0, 90.0, 85.0],
    "observed": [118.0, 112.0, 104.0, 101.0, 99.0, 98.0, 97.0, 96.0, 90.0, 85.0],
    "num_cells": 10,
    "chi_square": 0.11,
    "p_value": 0.99,
    "alarm": False,
    "num_draws_to_notice_uniform": 5200,
}
_TIME = "2026-11-21T10:02:11+00:00"

Count = Annotated[int, Field(ge=0, le=_MOST), WHOLE]
Amount = Annotated[float, Field(ge=0.0, le=float(_MOST), allow_inf_nan=False)]
Deciles = Annotated[list[Amount], Field(min_length=10, max_length=10)]


class ExposureReport(Message):
    """Draws by weight that were expected and observed, by decile of density, the rarest first."""

    model_config = example(_REPORT)
    snapshot_id: SnapshotId
    num_draws: Count
    num_unknown: Annotated[Count, Field(description="Further draws of prompts that the snapshot does not have.")]
    expected: Deciles
    observed: Deciles
    chi_square: Amount
    p_value: Share
    alarm: Annotated[bool, Field(description="The draws do not follow the weights.")]
    num_cells: Annotated[int, Field(ge=0, le=10), WHOLE] | None = None
    num_draws_to_notice_uniform: Count | None = None


class StoredExposure(ExposureReport):
    """The last report of a run."""

    model_config = example({"run": RUN, "reported_at": _TIME, "holder": "team-a", **_REPORT})
    run: str
    reported_at: str
    holder: Annotated[str | None, Field(description="The name of the tokens that it belongs to.")] = None


class RunEntry(Message):
    """A run that has reported."""

    run: str
    reported_at: str


class RunList(Message):
    """Every run that has reported, the latest first."""

    model_config = example({"runs": [{"run": RUN, "reported_at": _TIME}]})
    runs: list[RunEntry]
