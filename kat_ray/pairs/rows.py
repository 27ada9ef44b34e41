"""Turns one decoded row of any supported form into a pair.

    prefix rows      {"prefix": {"messages": [...]}, "chosen": str, "rejected": str, "src": str}
    prompt rows      {"prompt": str or messages, "chosen": str or messages, "rejected": str or messages}
    message lists    {"chosen": messages, "rejected": messages}: the reply is the last turn, the prefix all before it
    HH transcripts   {"chosen": "\\n\\nHuman: ...", "rejected": "\\n\\nHuman: ..."}

A prefix goes before a prompt, other keys are ignored. Texts stay as they are, but for the stripped ends of prompt
strings and transcript turns. Consecutive turns of one role in message lists are kept, an empty reply of a row that
names its prompt is a missing one. Knows nothing of files, ids or duplicates; never puts text of a row into a reason.
"""

from __future__ import annotations

from typing import Any

from kat_ray.errors import RowError
from kat_ray.pairs.transcripts import parse_transcript
from kat_ray.records import Message, Pair, first_user_text, normalize_whitespace

_Messages = tuple[Message, ...]
_ROLES = frozenset(("user", "assistant", "system"))
_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", bytes: "binary data"}
_NO_TEXT: _Messages = ()


def parse_row(row: object, default_source: str) -> Pair:
    """The pair of one row, whose strings are valid Unicode (JSON and Parquet readers see to that).

    Args:
        row: a decoded JSON value or Parquet row.
        default_source: source of rows without `src` or `source`.

    Raises:
        RowError: with one short sentence that counts well, since it becomes the reason of a reject.
    """
    if not isinstance(row, dict):
        raise RowError(f"the row is {_kind(row)}, expected an object")
    source = _source(row, default_source)
    stated = _stated_prefix(row)
    if stated is None and (isinstance(row.get("chosen"), str) or isinstance(row.get("rejected"), str)):
        replies = [_transcript_reply(name, row.get(name)) for name in ("chosen", "rejected")]
    else:
        replies = [_reply(name, row.get(name), stated or _NO_TEXT) for name in ("chosen", "rejected")]
    prefix = _common_prefix(stated, replies)
    _require_prefix(prefix)
    return Pair(prefix, replies[0][1], replies[1][1], source)


def _source(row: dict[Any, Any], default: str) -> str:
    value = row.get("src")
    if value is None:
        value = row.get("source")
    if value is None:
        return default
    if not isinstance(value, str):
        raise RowError(f"the source is {_kind(value)}, expected a string")
    return value.strip() or default


def _stated_prefix(row: dict[Any, Any]) -> _Messages | None:
    """The prefix that the row names, or None when only its replies hold it."""
    if (prefix := row.get("prefix")) is not None:
        if isinstance(prefix, str):
            return (Message("user", prefix.strip()),)
        if not isinstance(prefix, dict):
            raise RowError(f"prefix is {_kind(prefix)}, expected an object with messages")
        return _messages("prefix.messages", prefix.get("messages"))
    if (prompt := row.get("prompt")) is not None:
        if isinstance(prompt, str):
            return (Message("user", prompt.strip()),)
        return _messages("prompt", prompt)
    return None


def _messages(name: str, value: object) -> _Messages:
    if not isinstance(value, list):
        raise RowError(f"{name} is {_kind(value)}, expected a list of messages")
    return tuple([_message(name, item) for item in value])


def _message(name: str, item: object) -> Message:
    if not isinstance(item, dict):
        raise RowError(f"{name} holds {_kind(item)}, expected messages with role and content")
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise RowError(f"{name} holds a role other than user, assistant or system")
    if not isinstance(content, str):
        raise RowError(f"{name} holds a content that is {_kind(content)}, expected a string")
    return Message(role, content)


def _reply(name: str, value: object, stated: _Messages) -> tuple[_Messages | None, str | None]:
    """The prefix that a reply answers (None when there is no reply) and its text."""
    if value is None or value == []:
        return None, None
    if isinstance(value, str):
        return stated, value if value.strip() else None
    messages = _messages(name, value)
    before, reply = _split_reply(name, messages)
    if not before or before[0].role == "assistant":
        before = stated + before
    elif stated and normalize_whitespace(first_user_text(before)) != normalize_whitespace(first_user_text(stated)):
        raise RowError(f"{name} holds another conversation than the prompt")
    return before, reply if reply.strip() else None


def _transcript_reply(name: str, value: object) -> tuple[_Messages | None, str | None]:
    if value is None:
        return None, None
    if not isinstance(value, str):
        raise RowError(f"{name} is {_kind(value)}, expected a transcript like the other reply")
    before, reply = _split_reply(name, parse_transcript(value))
    if not reply:
        raise RowError("a transcript ends with an empty reply")
    return before, reply


def _split_reply(name: str, messages: _Messages) -> tuple[_Messages, str]:
    if messages[-1].role != "assistant":
        raise RowError(f"{name} does not end with an assistant turn")
    return messages[:-1], messages[-1].content


def _common_prefix(stated: _Messages | None, replies: list[tuple[_Messages | None, str | None]]) -> _Messages:
    held = [prefix for prefix, _ in replies if prefix is not None]
    if not held:
        if stated is None:
            raise RowError("there is no prefix, no prompt and no reply that holds one")
        return stated
    if held[-1] != held[0]:
        raise RowError("chosen and rejected answer different prefixes")
    return held[0]


def _require_prefix(messages: _Messages) -> None:
    """A prefix is an optional system turn, then turns that begin and end with the user, the first one with text."""
    if not messages:
        raise RowError("the prefix has no messages")
    turns = messages[1:] if messages[0].role == "system" else messages
    if not turns or turns[0].role != "user":
        raise RowError("the prefix does not begin with a user turn")
    if any(message.role == "system" for message in turns):
        raise RowError("the prefix has a system turn after its first turn")
    if turns[-1].role != "user":
        raise RowError("the prefix does not end with a user turn")
    if not turns[0].content.strip():
        raise RowError("the first user message is empty")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "of another type")
