"""The usual measures of a ranking, per query: reciprocal rank, recall, NDCG and average precision, cut at rank k.

Knows ranks and which query they belong to; nothing of vectors or texts. `ranks` int64 [R] are the places, from 1, of
the relevant documents of query i at ranks[offsets[i]:offsets[i + 1]], at least one. Each measure is float64 [Nq] in
[0, 1]; its mean over the queries is what InformationRetrievalEvaluator of sentence-transformers gives. A k beyond the
number of documents is no error: there is nothing behind the last one.
"""

from __future__ import annotations

import numpy as np

from kat_ray.arrays import Float64Vector, Int64Vector

_ROUNDING = 1e-12  # the same gains summed in another order


def best_ranks(ranks: Int64Vector, offsets: Int64Vector) -> Int64Vector:
    """Place of the first relevant document of each query."""
    return np.asarray(np.minimum.reduceat(ranks, offsets[:-1]))


def reciprocal_rank(ranks: Int64Vector, offsets: Int64Vector, k: int) -> Float64Vector:
    """1 / place of the first relevant document, 0 behind rank k; the mean is MRR@k."""
    best = best_ranks(ranks, offsets)
    return np.where(best <= k, 1.0 / best, 0.0)


def recall(ranks: Int64Vector, offsets: Int64Vector, k: int) -> Float64Vector:
    """Share of the relevant documents that stand at rank k or before."""
    return np.asarray(np.add.reduceat(ranks <= k, offsets[:-1], dtype=np.float64) / np.diff(offsets))


def ndcg(ranks: Int64Vector, offsets: Int64Vector, k: int) -> Float64Vector:
    """Sum of 1 / log2(place + 1) up to rank k over the largest sum possible (Järvelin and Kekäläinen 2002)."""
    gains = np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)
    most = np.minimum(np.diff(offsets), k)
    ideal = np.cumsum(1.0 / np.log2(np.arange(2.0, most.max() + 2.0)))
    shares = np.add.reduceat(gains, offsets[:-1]) / ideal[most - 1]
    return np.where(shares > 1.0 - _ROUNDING, 1.0, shares)


def average_precision(ranks: Int64Vector, offsets: Int64Vector, k: int) -> Float64Vector:
    """Sum over the relevant documents up to rank k of the precision at their places, over min(k, their number)."""
    counts = np.diff(offsets)
    queries = np.repeat(np.arange(len(counts)), counts)
    ordered = ranks[np.lexsort((ranks, queries))]
    places = np.arange(len(ranks)) - offsets[:-1][queries] + 1.0
    precisions = np.where(ordered <= k, places / ordered, 0.0)
    return np.asarray(np.add.reduceat(precisions, offsets[:-1]) / np.minimum(counts, k))
