"""How good an approximate neighbor graph is, against the exact search on a sample of rows.

Knows vectors and a graph; nothing of how it was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.geometry.distances import nearest_of
from kat_ray.geometry.neighbors import Neighbors, search

_TIE = 1.0 + 1e-6  # distances that were stored as float32 still tie


@dataclass(frozen=True, slots=True)
class Recall:
    """Share of the true k nearest that were found, ties counted as found: over the rows, and of a row near the worst.

    Example: Recall(mean=0.996, first_percentile=0.85).
    """

    mean: float
    first_percentile: float


def measure_recall(vectors: Float32Matrix, graph: Neighbors, *, sample_rows: int = 1000, seed: int = 42) -> Recall:
    """Recall of a graph [N, K] of the vectors [N, D], against the exact search for sample_rows seeded rows."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:sample_rows])
    k = graph.indices.shape[1]
    if k == 0:
        return Recall(1.0, 1.0)
    truth = search(vectors[rows], rows, vectors, 0, k)
    shares = _found(vectors, rows, graph, truth) / k
    return Recall(float(shares.mean()), float(np.percentile(shares, 1)))


def _found(vectors: Float32Matrix, rows: Int64Vector, graph: Neighbors, truth: Neighbors) -> Int64Vector:
    """Different neighbors of each sampled row that are no farther than its true k-th one."""
    found = np.zeros(len(rows), np.int64)
    for place, row in enumerate(rows):
        claimed = np.setdiff1d(graph.indices[row], [-1, row])[None].astype(np.int64)
        own = np.asarray([row])
        distances = nearest_of(vectors[own], own, vectors, claimed, claimed.shape[1])[1] if claimed.size else claimed
        found[place] = np.count_nonzero(distances <= truth.distances[place, -1] * _TIE) if claimed.size else 0
    return found
