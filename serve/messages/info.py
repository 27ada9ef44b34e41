"""What a client is told of the service before it asks for data."""

from __future__ import annotations

from typing import Literal

from serve.messages.common import SNAPSHOT, Message, SnapshotId, example

_LIMITS = {"ids": 100_000, "texts": 256, "text_chars": 32_000, "results": 1_000}


class RequestLimits(Message):
    """The most that one request may ask for: ids of a look-up or edit, unseen texts, characters of a text, results."""

    ids: int
    texts: int
    text_chars: int
    results: int


class ServiceAnswer(Message):
    """Version, limits, what this caller may do ("open": all, without a token), and where to chat with a model."""

    model_config = example(
        {"version": "0.1.0", "chat_url": None, "scope": "read", "limits": _LIMITS, "snapshot_id": SNAPSHOT}
    )
    version: str
    chat_url: str | None
    scope: Literal["read", "publish", "open"]
    limits: RequestLimits
    snapshot_id: SnapshotId | None
