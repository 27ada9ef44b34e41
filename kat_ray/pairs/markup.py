"""Plain text of HTML posts. Knows tags and line breaks; nothing of rows.

For the escaped HTML of forum dumps, where "<" and ">" stand for tags alone. Linear in the length, whatever the text is;
general parsers take minutes for some thousand nested or unclosed tags.
"""

from __future__ import annotations

import html
import re

_HIDDEN = re.compile(r"<(script|style)\b[^<>]*+>[^<]*+</\1>", re.IGNORECASE)
_TAG = re.compile(r"</?([a-z][a-z0-9]*+)[^<>]*+>|<![^<>]*+>", re.IGNORECASE)
_BREAKS = frozenset(("br", "p", "pre", "li", "ul", "ol", "blockquote", "div", "table", "tr", "hr"))
_BREAKS |= {f"h{level}" for level in range(1, 7)}
_LINE_ENDS = re.compile(r"(?<![ \t])[ \t]++$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")


def plain_text(markup: str) -> str:
    """The text of an HTML fragment: paragraphs apart, line breaks and code lines kept, no comments or scripts."""
    text = html.unescape(_TAG.sub(_replacement, _HIDDEN.sub("", markup)))
    return _BLANK_LINES.sub("\n\n", _LINE_ENDS.sub("", text)).strip()


def _replacement(tag: re.Match[str]) -> str:
    return "\n" if (tag[1] or "").lower() in _BREAKS else ""
