"""The seeds' file of points, which keeps the names that their readers know."""

from __future__ import annotations

from typing import Any

from serve.messages.common import PROMPT, SNAPSHOT, Message, PromptId, example

_TEXT = "How do I bake sourdough bread at home?"
_GREEN = [0.2, 0.8, 0.2]


class SeedsPoint(Message):
    """A prompt on the map, each axis scaled to [-1, 1] on its own; `density` is the percentile."""

    id: PromptId
    x: float
    y: float
    z: float
    size: float
    density: float
    density_raw: float
    density_minmax: float
    weight: float
    color: list[float]
    source: str
    prompt: str
    prefix: str
    chosen: str
    rejected: str
    count: int


class SeedsFile(Message):
    """Every prompt of the snapshot with the beginnings of its texts (kat_ray/snapshot/point_file.py)."""

    model_config = example(
        {
            "metadata": {"total_points": 1, "colors": {"hh-rlhf": _GREEN}, "snapshot_id": SNAPSHOT},
            "points": [
                {
                    "id": PROMPT,
                    "x": -0.7268,
                    "y": 0.154,
                    "z": 0.4335,
                    "size": 2.252,
                    "density": 0.124,
                    "density_raw": 1.02,
                    "density_minmax": 0.186,
                    "weight": 0.00037,
                    "color": _GREEN,
                    "source": "hh-rlhf",
                    "prompt": _TEXT,
                    "prefix": f"user: {_TEXT}",
                    "chosen": "Mix flour, water, salt and starter.",
                    "rejected": "",
                    "count": 1,
                }
            ],
        }
    )
    metadata: dict[str, Any]
    points: list[SeedsPoint]
