"""What queries and documents are called in plots and pages: by their texts, or by their rows where only vectors came.

Knows texts; nothing of fonts or markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category

from kat_ray.evaluation.relevance import EvaluationSet

_DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of rows; the first row is number 1."""

    queries: Sequence[str] | None = None
    """One text a query; None: there are only vectors."""
    documents: Sequence[str] | None = None

    @classmethod
    def of(cls, texts: EvaluationSet | None) -> Labels:
        """The texts of a set, if there is one."""
        return cls() if texts is None else cls(texts.queries, texts.documents)

    def query(self, row: int) -> str:
        """The text of a query, or `query 17`."""
        return f"query {row + 1}" if self.queries is None else self.queries[row]

    def document(self, row: int) -> str:
        """The text of a document, or `document 17`."""
        return f"document {row + 1}" if self.documents is None else self.documents[row]


def one_line(text: str, limit: int) -> str:
    """The text with each run of white space and control characters as one space, cut to `limit` with an ellipsis.

    Characters are code points. What embeds or overrides directions goes: unclosed, it would turn what stands behind the
    text. No more of a long text is looked at than may be shown.
    """
    head = text[: 4 * limit].translate(_DIRECTIONS)
    line = " ".join("".join(" " if category(letter) == "Cc" else letter for letter in head).split())
    is_whole = len(text) <= 4 * limit and len(line) <= limit
    return line if is_whole else f"{line[: limit - 1].rstrip()}…"
