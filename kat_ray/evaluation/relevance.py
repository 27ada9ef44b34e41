"""Which documents are right for which query: the judgments that an encoder is evaluated against.

Knows row numbers, and the texts that they stand for; nothing of files, vectors or scores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from kat_ray.arrays import Int64Vector
from kat_ray.errors import InputError


class Reject(NamedTuple):
    """A row of the input that could not be used; rows and lines count from 1."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """The relevant documents of each query, and documents that are known to be wrong though they look right.

    Rows of query i are rows[offsets[i]:offsets[i + 1]]: at least one, the first is its own positive. Hard negatives
    likewise, of which there may be none. All row numbers are int64.

    Example: Relevance.of([[0, 2], [1]], num_documents=3).

    Raises:
        InputError: offsets that do not fit, a query without a document, a row that is not there, twice or on both
            sides.
    """

    num_documents: int
    offsets: Int64Vector
    rows: Int64Vector
    hard_offsets: Int64Vector
    hard_rows: Int64Vector

    def __post_init__(self) -> None:
        _require_lists("relevant", self.offsets, self.rows)
        _require_lists("hard negative", self.hard_offsets, self.hard_rows)
        if len(self.offsets) < 2 or len(self.hard_offsets) != len(self.offsets):
            raise InputError(
                f"There are relevant documents of {len(self.offsets) - 1:,} queries and hard negatives of "
                f"{len(self.hard_offsets) - 1:,}; expected the same number, at least 1."
            )
        if not np.diff(self.offsets).all():
            query = int(np.flatnonzero(np.diff(self.offsets) == 0)[0])
            raise InputError(f"Query {query:,} has no relevant document; expected at least one, its own positive.")
        both = np.concatenate([self.rows, self.hard_rows])
        if len(both) and not 0 <= both.min() <= both.max() < self.num_documents:
            raise InputError(
                f"Relevance names rows {both.min():,} to {both.max():,} of {self.num_documents:,} documents."
            )
        hard_queries = np.repeat(np.arange(self.num_queries), np.diff(self.hard_offsets))
        named = np.concatenate([self.queries, hard_queries]) * self.num_documents + both
        if len(np.unique(named)) < len(named):
            raise InputError("A query names a document twice, or both as relevant and as a hard negative.")

    @classmethod
    def of(
        cls,
        relevant: Sequence[Sequence[int]],
        *,
        num_documents: int,
        hard_negatives: Sequence[Sequence[int]] | None = None,
    ) -> Relevance:
        """From one list of document rows a query."""
        hard = [()] * len(relevant) if hard_negatives is None else hard_negatives
        return cls(num_documents, *_joined(relevant), *_joined(hard))

    @classmethod
    def one_each(cls, rows: Int64Vector) -> Relevance:
        """Document rows[i] is the only relevant one of query i; there are none behind the last of these [Nq]."""
        offsets = np.arange(len(rows) + 1)
        return cls(int(rows.max(initial=-1)) + 1, offsets, rows, np.zeros_like(offsets), rows[:0])

    @classmethod
    def diagonal(cls, num_queries: int) -> Relevance:
        """Document i is the only relevant one of query i."""
        return cls.one_each(np.arange(num_queries))

    @property
    def num_queries(self) -> int:
        """Queries Nq."""
        return len(self.offsets) - 1

    @property
    def own_rows(self) -> Int64Vector:
        """Own positive of each query [Nq]."""
        return self.rows[self.offsets[:-1]]

    @property
    def queries(self) -> Int64Vector:
        """The query that each of `rows` belongs to [R]."""
        return np.repeat(np.arange(self.num_queries), np.diff(self.offsets))

    def relevant_to(self, query: int) -> Int64Vector:
        """Relevant documents of one query, its own positive first."""
        return self.rows[self.offsets[query] : self.offsets[query + 1]]

    def hard_for(self, query: int) -> Int64Vector:
        """Hard negatives of one query."""
        return self.hard_rows[self.hard_offsets[query] : self.hard_offsets[query + 1]]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """Distinct queries and documents, in order of first appearance, and who is relevant to whom.

    Raises:
        InputError: the texts are not as many as the relevance says.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    relevance: Relevance
    rejects: Mapping[str, int] = field(default_factory=dict)
    """How many rows could not be used, by reason."""
    first_rejects: tuple[Reject, ...] = ()
    """The first few of them."""
    num_rows: int = 0
    """Rows that were read, refused ones included."""
    contradictions: int = 0
    """Texts that were a hard negative of a query which they are also a positive of; they count as positives."""
    num_blank: int = 0
    """Positives that hold nothing, beside others of the same row that do; they are left out."""
    num_unused: int = 0
    """Usable rows whose queries were more than were asked for."""

    def __post_init__(self) -> None:
        got = len(self.queries), len(self.documents)
        expected = self.relevance.num_queries, self.relevance.num_documents
        if got != expected:
            raise InputError(
                f"There are {got[0]:,} queries and {got[1]:,} documents; the relevance is of {expected[0]:,} and "
                f"{expected[1]:,}."
            )

    def digest(self) -> str:
        """32 hex digits that are others where a text or a judgment is another."""
        judged = self.relevance
        hashed = hashlib.blake2b(repr((self.queries, self.documents)).encode(), digest_size=16)
        for numbers in (judged.offsets, judged.rows, judged.hard_offsets, judged.hard_rows):
            hashed.update(numbers.tobytes())
        return hashed.hexdigest()


def _joined(lists: Sequence[Sequence[int]]) -> tuple[Int64Vector, Int64Vector]:
    offsets = np.cumsum([0, *(len(rows) for rows in lists)], dtype=np.int64)
    return offsets, np.array([row for rows in lists for row in rows], np.int64)


def _require_lists(name: str, offsets: Int64Vector, rows: Int64Vector) -> None:
    is_whole = offsets.ndim == 1 and len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(rows)
    if not is_whole or (np.diff(offsets) < 0).any():
        raise InputError(f"The offsets of {name} rows do not run from 0 up to their number, {len(rows):,}.")
