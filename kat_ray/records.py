"""The values that flow from the input files to the snapshot: messages, pairs, and the identity of a prompt.

Knows the id rule and how a conversation is rendered for an encoder; knows nothing of files or row formats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

TextRendering = Literal["first_user", "conversation"]
DedupeBy = Literal["first_user", "conversation"]


class Message(NamedTuple):
    """One turn; role is "user", "assistant", or "system" (first turn only)."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A prefix that ends in a user turn, its source, and up to two replies.

    Example: Pair((Message("user", "What is AI?"),), chosen="A field ...", rejected=None, source="hh-rlhf")
    """

    messages: tuple[Message, ...]
    chosen: str | None
    rejected: str | None
    source: str

    @property
    def is_complete(self) -> bool:
        """Both replies are there, so that reward training can use the pair."""
        return self.chosen is not None and self.rejected is not None


def normalize_whitespace(text: str | None) -> str:
    """Strip the ends and collapse every run of Unicode whitespace to one space; None becomes empty."""
    return " ".join((text or "").split())


def first_user_text(messages: Sequence[Message]) -> str:
    """Content of the first user message, unchanged; empty when there is none."""
    return next((message.content for message in messages if message.role == "user"), "")


def prompt_id(text: str) -> str | None:
    """First 16 hex digits of MD5 of the whitespace-normalized text; None when that is empty."""
    normalized = normalize_whitespace(text)
    return hashlib.md5(normalized.encode(), usedforsecurity=False).hexdigest()[:16] if normalized else None


def conversation_id(messages: Sequence[Message]) -> str:
    """First 16 hex digits of MD5 over all turns, whitespace-normalized, so that other openings of a topic differ."""
    turns = "\n".join(f"{role}: {normalize_whitespace(content)}" for role, content in messages)
    return hashlib.md5(turns.encode(), usedforsecurity=False).hexdigest()[:16]


def render_text(messages: Sequence[Message], rendering: TextRendering) -> str:
    """The text that an encoder sees: the first user message, or one `role: content` line a non-empty message."""
    if rendering == "first_user":
        return first_user_text(messages)
    return "\n".join(f"{role}: {content}" for role, content in messages if content)
