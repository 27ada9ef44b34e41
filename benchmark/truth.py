"""How much of the true neighbors a graph has, ties counted as found. Shares no search with what it judges.

Truth is reckoned in float64 among all rows, or is another graph that was judged so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, Int64Vector

_BLOCK_ROWS, _PAIR_ROWS = 16_384, 512
_RELATIVE, _ABSOLUTE = 1.0 + 1e-6, 1e-7  # stored distances are float32; squares of float64 lose half of the digits


def recall_by_truth(vectors: Float32Matrix, indices: NDArray[Any], num_rows: int, seed: int = 0) -> Float64Vector:
    """Share of their k true neighbors that some rows of a graph [N, k] have."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:num_rows])
    k = indices.shape[1]
    farthest = _squares_to_nearest(vectors, rows, k)[:, -1] ** 0.5
    claimed = indices[rows].astype(np.int64)
    return _shares(claimed, rows, direct_distances(vectors, rows, claimed), farthest)


def recall_by_graph(indices: NDArray[Any], distances: NDArray[Any], exact_distances: NDArray[Any]) -> Float64Vector:
    """The same of all rows of a graph [N, k] with true distances, against those of the exact one [N, k]."""
    k = indices.shape[1]
    return _shares(indices, np.arange(len(indices)), distances, exact_distances[:, k - 1].astype(np.float64))


def direct_distances(vectors: Float32Matrix, rows: Int64Vector, others: NDArray[Any]) -> Float64Matrix:
    """Distances float64 [R, k] of rows [R] to others [R, k]."""
    found = np.empty(others.shape)
    for start in range(0, len(rows), _PAIR_ROWS):
        part = slice(start, start + _PAIR_ROWS)
        differences = vectors[others[part]].astype(np.float64) - vectors[rows[part], None]
        found[part] = np.sqrt(np.einsum("rkd,rkd->rk", differences, differences))
    return found


def _shares(
    indices: NDArray[Any], rows: Int64Vector, distances: NDArray[Any], farthest: Float64Vector
) -> Float64Vector:
    """Each different neighbor counts that is no farther than the true last one."""
    order = np.argsort(indices, axis=1, kind="stable")
    ordered = np.take_along_axis(indices, order, axis=1)
    near = np.take_along_axis(distances, order, axis=1) <= farthest[:, None] * _RELATIVE + _ABSOLUTE
    near &= (ordered >= 0) & (ordered != rows[:, None])
    near[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    return np.asarray(near.mean(axis=1))


def _squares_to_nearest(vectors: Float32Matrix, rows: Int64Vector, k: int) -> Float64Matrix:
    """The k smallest squared distances [R, k] of rows [R] to all others, ascending."""
    asked = vectors[rows].astype(np.float64)
    own = np.einsum("rd,rd->r", asked, asked)
    kept = np.full((len(rows), k), np.inf)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[start : start + _BLOCK_ROWS].astype(np.float64)
        squares = own[:, None] + np.einsum("nd,nd->n", block, block) - 2.0 * asked @ block.T
        here = np.flatnonzero((rows >= start) & (rows < start + len(block)))
        squares[here, rows[here] - start] = np.inf
        together = np.concatenate([kept, np.maximum(squares, 0.0)], axis=1)
        kept = np.partition(together, k - 1, axis=1)[:, :k]
    return np.sort(kept, axis=1)
