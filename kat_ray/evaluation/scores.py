"""How similar each query is to each document, summed up: moments, ranks, the nearest documents, histograms.

Knows vectors and judgments; nothing of texts, files or thresholds. The similarities [Nq, Nd] are never there at once:
a block of queries is compared with all documents, summed up and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, IndexMatrix, Int64Vector, require_rows
from kat_ray.errors import InputError
from kat_ray.evaluation.relevance import Relevance

NUM_NEAREST = 10
"""Documents that are kept of each query."""

NUM_BINS = 2000
"""Bins of the histograms, equal ones over [-1, 1]."""

TIE = 1e-9
"""Similarities no farther apart are equal: those of equal vectors in other places of a product differ by less."""

_TILE_BYTES = 8 << 20
_FEWEST_ROWS = 32  # queries of a block: each block reads all documents


class Moments(NamedTuple):
    """Number, sum and sum of squares of some similarities of each query, float64 [Nq] each."""

    counts: Float64Vector
    sums: Float64Vector
    squares: Float64Vector


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One encoder on one set; similarities are cosines in [-1, 1]."""

    positive: Moments
    """Of a query with its relevant documents."""
    negative: Moments
    """Of a query with all other documents."""
    similarities: Float64Vector
    """[R] of the relevant documents, like Relevance.rows."""
    ranks: Int64Vector
    """[R] likewise: 1 is the nearest document. A tie counts against the relevant one, so that an encoder that gives
    every text the same vector finds nothing."""
    hard_similarities: Float64Vector
    """[H] of the hard negatives, like Relevance.hard_rows."""
    own_similarities: Float64Vector
    """[Nq] with the own positive."""
    gaps: Float64Vector
    """[Nq] similarity at rank 1 minus that at rank 2, or after a relevant document that of the first other one, as two
    right answers need not be apart; NaN where there is none."""
    top_rows: IndexMatrix
    """[Nq, min(10, Nd)] nearest documents, best first, in the order of the ranks."""
    top_similarities: Float64Matrix
    """Their similarities."""
    positive_histogram: Int64Vector
    """[2000] similarities in equal bins over [-1, 1]."""
    negative_histogram: Int64Vector
    """Likewise of all other documents."""


def score(
    queries: Float32Matrix, documents: Float32Matrix, relevance: Relevance, *, block_bytes: int = 64 << 20
) -> Scores:
    """Compare query vectors [Nq, D] with document vectors [Nd, D] of any length by their cosine, in float64.

    Memory: about block_bytes, or 256 Nd bytes where that is more. Time: 2 Nq Nd D operations.

    Raises:
        InputError: NaN, zero rows, other dimensions or kinds of numbers, or not as many rows as the relevance says.
    """
    _require_vectors("The query vectors", queries, relevance.num_queries)
    _require_vectors("The document vectors", documents, relevance.num_documents)
    if queries.shape[1] != documents.shape[1]:
        raise InputError(
            f"The queries have {queries.shape[1]:,} dimensions, the documents {documents.shape[1]:,}; they are not of "
            "one encoder."
        )
    gathered = _Gathered(relevance)
    for start, block in _blocks(queries, documents, block_bytes):
        for place, line in enumerate(block):
            gathered.add(start + place, line)
    return gathered.scores()


def block_rows(num_documents: int, block_bytes: int) -> int:
    """Queries whose float64 similarities with all documents fit into block_bytes; at least 32."""
    return max(_FEWEST_ROWS, block_bytes // (8 * num_documents))


class _Side:
    """Similarities of one kind, relevant documents or others: their moments by query, their histogram over all."""

    def __init__(self, num_queries: int) -> None:
        self.moments = Moments(*np.zeros((3, num_queries)))
        self.histogram = np.zeros(NUM_BINS, np.int64)

    def add(self, query: int, similarities: Float64Vector) -> None:
        counts, sums, squares = self.moments
        counts[query], sums[query] = len(similarities), similarities.sum()
        squares[query] = similarities @ similarities
        bins = ((similarities + 1.0) * (NUM_BINS / 2)).astype(np.int64)
        self.histogram += np.bincount(np.minimum(bins, NUM_BINS - 1), minlength=NUM_BINS)


class _Gathered:
    """What is kept of each query's similarities."""

    def __init__(self, relevance: Relevance) -> None:
        num_queries, width = relevance.num_queries, min(NUM_NEAREST, relevance.num_documents)
        self._relevance = relevance
        self._positive, self._negative = _Side(num_queries), _Side(num_queries)
        self._similarities = np.empty(len(relevance.rows))
        self._ranks = np.empty(len(relevance.rows), np.int64)
        self._hard_similarities = np.empty(len(relevance.hard_rows))
        self._gaps = np.empty(num_queries)
        self._top_rows = np.empty((num_queries, width), np.int64)
        self._top_similarities = np.empty((num_queries, width))

    def add(self, query: int, line: Float64Vector) -> None:
        """Take in the similarities [Nd] of one query."""
        relevant = self._relevance.relevant_to(query)
        positives, negatives = line[relevant], np.delete(line, relevant)
        self._positive.add(query, positives)
        self._negative.add(query, negatives)
        own = slice(*self._relevance.offsets[query : query + 2])
        self._similarities[own], self._ranks[own] = positives, _ranks(relevant, positives, negatives)
        hard = slice(*self._relevance.hard_offsets[query : query + 2])
        self._hard_similarities[hard] = line[self._relevance.hard_for(query)]
        nearest = _nearest(line, relevant, self._top_rows.shape[1])
        self._top_rows[query], self._top_similarities[query] = nearest, line[nearest]
        others = negatives if nearest[0] in relevant else line[nearest[1:]]
        self._gaps[query] = max(0.0, line[nearest[0]] - others.max()) if len(others) else np.nan

    def scores(self) -> Scores:
        """All of it."""
        return Scores(
            positive=self._positive.moments,
            negative=self._negative.moments,
            similarities=self._similarities,
            ranks=self._ranks,
            hard_similarities=self._hard_similarities,
            own_similarities=self._similarities[self._relevance.offsets[:-1]],
            gaps=self._gaps,
            top_rows=self._top_rows,
            top_similarities=self._top_similarities,
            positive_histogram=self._positive.histogram,
            negative_histogram=self._negative.histogram,
        )


def _ranks(relevant: Int64Vector, positives: Float64Vector, negatives: Float64Vector) -> Int64Vector:
    """Rank of each relevant document among all: others at its similarity stand before it, relevant ones by row."""
    before = len(negatives) - np.searchsorted(np.sort(negatives), positives - TIE, side="left")
    ranks = np.empty(len(positives), np.int64)
    order = np.lexsort((relevant, -positives))
    ranks[order] = before[order] + np.arange(1, len(positives) + 1)
    return ranks


def _nearest(line: Float64Vector, relevant: Int64Vector, width: int) -> Int64Vector:
    """The first documents in the order of the ranks; equal ones by row."""
    keys = line.copy()
    keys[relevant] -= TIE
    least = np.partition(keys, len(keys) - width)[len(keys) - width]
    candidates = np.flatnonzero(keys >= least)
    is_relevant = np.isin(candidates, relevant)
    return np.asarray(candidates[np.lexsort((candidates, is_relevant, -keys[candidates]))[:width]])


def _blocks(queries: Float32Matrix, documents: Float32Matrix, block_bytes: int) -> Iterator[tuple[int, Float64Matrix]]:
    """First query and similarities [B, Nd] of each block, in one buffer that the next block overwrites.

    Float64, as a product in float32 gives equal vectors different values from place to place.
    """
    rows = min(block_rows(len(documents), block_bytes), len(queries))
    width = max(1, _TILE_BYTES // (8 * documents.shape[1]))
    tiles = [slice(first, first + width) for first in range(0, len(documents), width)]
    lengths = np.concatenate([_lengths(documents[tile]) for tile in tiles])
    buffer = np.empty((rows, len(documents)))
    for start in range(0, len(queries), rows):
        asked = queries[start : start + rows].astype(np.float64)
        asked /= _lengths(asked)[:, None]
        block = buffer[: len(asked)]
        for tile in tiles:
            block[:, tile] = asked @ documents[tile].astype(np.float64).T
        block /= lengths
        yield start, np.clip(block, -1.0, 1.0, out=block)


def _lengths(vectors: NDArray[Any]) -> Float64Vector:
    return np.asarray(np.linalg.norm(vectors.astype(np.float64), axis=1))


def _require_vectors(name: str, vectors: NDArray[Any], rows: int) -> None:
    if vectors.dtype != np.float32:
        raise InputError(f"{name} are {vectors.dtype}, expected float32.")
    if vectors.ndim == 2 and len(vectors) != rows:
        raise InputError(f"{name} have {len(vectors):,} rows, expected {rows:,}: one for each text.")
    require_rows(name, vectors, ndim=2)
    zero = np.flatnonzero(~vectors.any(axis=1))
    if len(zero):
        raise InputError(f"{name} hold zero rows, which have no direction; the first is row {zero[0]:,}.")
