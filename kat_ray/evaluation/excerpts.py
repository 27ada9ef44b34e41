"""What plots and pages show of an evaluation: a block of similarities, bars, quartiles, and example queries.

Knows scores and row numbers; nothing of texts or of how a plot is drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Vector, IndexMatrix, Int64Vector
from kat_ray.evaluation.maps import unit_rows
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.retrieval import best_ranks
from kat_ray.evaluation.scores import Moments, Scores

BoolMatrix = NDArray[np.bool_]

BLOCK_ROWS = 50
NUM_BARS = 50
NUM_EXAMPLES = 5


class Block(NamedTuple):
    """Similarities of the first n queries with each other's own positives."""

    similarities: Float32Matrix
    """[n, n]; row i is query i, column j the own positive of query j, so that the diagonal holds the own ones."""
    relevant: BoolMatrix
    """[n, n] whether the document is relevant to the query: the diagonal, and what queries share."""


class Bars(NamedTuple):
    """A histogram of positive and negative similarities over the same edges."""

    edges: Float64Vector
    """[51] over the range that the similarities take."""
    positive: Float64Vector
    """[50] share of all positive pairs in each bar; zeros when there are none."""
    negative: Float64Vector


class Spread(NamedTuple):
    """Where similarities lie, to 0.001; the mean and the deviation are exact."""

    low: float
    """1st percentile."""
    lower_quartile: float
    median: float
    upper_quartile: float
    high: float
    """99th percentile."""
    mean: float
    deviation: float


def similarity_block(query_vectors: Float32Matrix, document_vectors: Float32Matrix, relevance: Relevance) -> Block:
    """The block of the first 50 queries; vectors [Nq, D] and [Nd, D] need not be unit rows."""
    queries = unit_rows(query_vectors[:BLOCK_ROWS])
    rows = relevance.own_rows[:BLOCK_ROWS]
    similarities = queries @ unit_rows(document_vectors[rows]).T
    return Block(similarities, is_relevant(relevance, np.arange(len(rows)), np.tile(rows, (len(rows), 1))))


def is_relevant(relevance: Relevance, queries: Int64Vector, documents: IndexMatrix) -> BoolMatrix:
    """Whether documents [n, k] are relevant to their query: row i belongs to query queries[i]."""
    known = relevance.queries * relevance.num_documents + relevance.rows
    return np.isin(queries[:, None] * relevance.num_documents + documents, known)


def bars(positive: Int64Vector, negative: Int64Vector) -> Bars:
    """Fifty bars from counts in equal fine bins over [-1, 1], which are merged and never split."""
    num_bins = len(positive)
    used = np.flatnonzero(positive + negative)
    low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, num_bins)
    width = -(-(high - low) // NUM_BARS)
    low = min(low, num_bins - width * NUM_BARS)
    edges = np.asarray((low + width * np.arange(NUM_BARS + 1)) * (2.0 / num_bins) - 1.0, np.float64)

    def shares(counts: Int64Vector) -> Float64Vector:
        merged = counts[low : low + width * NUM_BARS].reshape(NUM_BARS, width).sum(axis=1)
        return np.asarray(merged / max(1, counts.sum()))

    return Bars(edges, shares(positive), shares(negative))


def spread(counts: Int64Vector, moments: Moments) -> Spread | None:
    """Percentiles from counts in equal bins over [-1, 1], mean and deviation from the sums; None without pairs."""
    num_pairs = float(moments.counts.sum())
    if num_pairs == 0:
        return None
    mean = float(moments.sums.sum()) / num_pairs
    variance = max(0.0, float(moments.squares.sum()) / num_pairs - mean * mean)
    low, lower, median, upper, high = quantiles(counts, (0.01, 0.25, 0.5, 0.75, 0.99))
    return Spread(low, lower, median, upper, high, mean, variance**0.5)


def quantiles(counts: Int64Vector, shares: tuple[float, ...]) -> list[float]:
    """Similarities below which these shares of the counts [bins over -1..1] lie; even within a bin."""
    ends = np.concatenate([[0], np.cumsum(counts)])
    edges = np.linspace(-1.0, 1.0, len(ends))
    found = []
    for share in shares:
        sought = share * ends[-1]
        bin_of = int(np.searchsorted(ends[1:], sought, side="left"))
        inside = (sought - ends[bin_of]) / max(1, counts[bin_of])
        found.append(float(edges[bin_of] + inside * (edges[bin_of + 1] - edges[bin_of])))
    return found


def leads(scores: Scores, relevance: Relevance) -> Float64Vector:
    """By how much each query's nearest relevant document is nearer than the nearest other one, [Nq].

    Below 0: another one is nearer. Infinite where all of the nearest documents are relevant.
    """
    wrong = ~is_relevant(relevance, np.arange(len(scores.top_rows)), scores.top_rows)
    nearest_wrong = np.where(wrong, scores.top_similarities, -np.inf).max(axis=1, initial=-np.inf)
    return np.asarray(np.maximum.reduceat(scores.similarities, relevance.offsets[:-1]) - nearest_wrong)


def examples(scores: Scores, relevance: Relevance, count: int = NUM_EXAMPLES) -> Int64Vector:
    """Rows of `count` queries or fewer, evenly from the easiest to the hardest; always the same ones.

    Easier is what has its first relevant document at a lower rank, and of equal ranks the one of larger `leads`.
    """
    best = best_ranks(scores.ranks, relevance.offsets)
    order = np.lexsort((np.arange(len(best)), -leads(scores, relevance), best))
    places = np.linspace(0, len(order) - 1, min(count, len(order)))
    return np.asarray(order[np.round(places).astype(np.int64)], np.int64)
