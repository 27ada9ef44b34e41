"""Lines for a terminal of 72 columns. Text of strangers is shown, never obeyed: control characters become spaces.

Knows nothing of snapshots.
"""

from __future__ import annotations

import textwrap
import unicodedata

WIDTH = 72

_INDENT = 14


def plain(text: str, width: int) -> str:
    """One line of at most `width` columns: no escape sequences, no line breaks, no reordering marks; cut with "…"."""
    visible = " ".join("".join(mark if mark.isprintable() else " " for mark in text[: 4 * width]).split())
    if columns(visible) <= width and len(text) <= 4 * width:
        return visible
    shown, used = [], 1
    for mark in visible:
        used += _columns_of(mark)
        if used > width:
            break
        shown.append(mark)
    return "".join(shown) + "…"


def columns(text: str) -> int:
    """How wide a text is on a terminal."""
    return sum(map(_columns_of, text))


def field(name: str, content: str) -> list[str]:
    """A name and its content, wrapped beside it; long words are broken."""
    shown = plain(content, 2000)
    widest = max(map(_columns_of, shown), default=1)  # wrapping counts letters
    lines = textwrap.wrap(shown, (WIDTH - _INDENT) // max(1, widest)) or [""]
    return [f"{name if number == 0 else '':<{_INDENT}}{line}".rstrip() for number, line in enumerate(lines)]


def counted(number: int, noun: str) -> str:
    """ "1 prompt", "2,000 prompts"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bar(share: float, width: int) -> str:
    """A bar of `width` columns for a share of 1."""
    return "#" * round(min(max(share, 0.0), 1.0) * width)


def _columns_of(mark: str) -> int:
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1
