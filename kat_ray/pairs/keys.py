"""The two keys by which rows are linked: which prompt a row belongs to, and which rows repeat an earlier one.

Knows the identity rules; knows nothing of files or of other rows.
"""

from __future__ import annotations

import hashlib

from kat_ray.records import DedupeBy, Pair, conversation_id, first_user_text, prompt_id


def prompt_key(pair: Pair, dedupe_by: DedupeBy) -> int:
    """The prompt's id as a number in [0, 2^64): `f"{key:016x}"` is the id again.

    Example: prompt_key(pair, "first_user") == int(prompt_id(first_user_text(pair.messages)), 16)
    """
    if dedupe_by == "conversation":
        return int(conversation_id(pair.messages), 16)
    return int(prompt_id(first_user_text(pair.messages)) or "0", 16)


def pair_key(pair: Pair) -> bytes:
    """16 bytes (BLAKE2b) of prefix and replies, unchanged; the source does not count.

    Equal keys mean equal rows: lengths stand before the texts, so that no text can imitate a border.
    """
    replies = (("chosen", pair.chosen), ("rejected", pair.rejected))
    parts = [f"{name}{len(text)}:{text}" for name, text in (*pair.messages, *replies) if text is not None]
    return hashlib.blake2b("".join(parts).encode(), digest_size=16).digest()
