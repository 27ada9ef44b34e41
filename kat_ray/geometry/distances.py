"""Direct Euclidean distances in float64, and the k smallest of them: compiled loops over given rows.

Knows nothing of how candidates are found. A distance depends on its two rows alone: the squares are summed in one fixed
order, whatever the block, the machine's vector width or the number of threads, so that every split of the work gives
the same bits.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, IndexMatrix, Int64Vector

_LANES = 32  # independent partial sums: enough for the widest vector units, and part of the definition of a distance


def nearest_of(
    queries: Float32Matrix, own_rows: Int64Vector, shard: Float32Matrix, candidates: IndexMatrix, k: int
) -> tuple[IndexMatrix, Float64Matrix]:
    """The k nearest of the candidate rows of a shard [S, D] for each query [Q, D], but never its own row.

    candidates int64 [Q, C] are row numbers of the shard, ascending in each line and -1 behind the last; own_rows int64
    [Q] likewise, outside 0..S-1 for a query that is not in the shard. Returns indices int64 [Q, k] and distances
    float64 [Q, k], ascending, equal distances by the lower row; -1 and inf where there are fewer. Candidates after the
    k-th at distance 0 are not looked at, so that thousands of equal rows cost no more than k.
    """
    indices, distances = _nearest(frozen(queries), own_rows, frozen(shard), frozen(candidates), k)
    return indices, distances


def squared_norms(vectors: Float32Matrix) -> Float64Vector:
    """Squared Euclidean norm of each row of float32 vectors [S, D], in float64 [S]."""
    return np.asarray(_squared_norms(frozen(vectors)))


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view, so that mapped and ordinary arrays share one compiled loop."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _distance_loop(x: Any, y: Any, sums: Any) -> float:
    size = x.shape[0]
    whole = size - size % _LANES
    sums[:] = 0.0
    for start in range(0, whole, _LANES):
        for lane in range(_LANES):
            difference = np.float64(x[start + lane]) - np.float64(y[start + lane])
            sums[lane] += difference * difference
    for position in range(whole, size):
        difference = np.float64(x[position]) - np.float64(y[position])
        sums[position - whole] += difference * difference
    total = 0.0
    for lane in range(_LANES):
        total += sums[lane]
    return float(np.sqrt(total))


def _insert_loop(indices: Any, distances: Any, index: int, distance: float) -> None:
    place = distances.shape[0] - 1
    if distance >= distances[place]:
        return
    while place > 0 and distance < distances[place - 1]:
        distances[place] = distances[place - 1]
        indices[place] = indices[place - 1]
        place -= 1
    distances[place] = distance
    indices[place] = index


_distance = numba.njit(nogil=True, cache=True)(_distance_loop)
_insert = numba.njit(nogil=True, cache=True)(_insert_loop)


def _nearest_loop(queries: Any, own_rows: Any, shard: Any, candidates: Any, k: int) -> Any:
    indices = np.full((queries.shape[0], k), -1, np.int64)
    distances = np.full((queries.shape[0], k), np.inf)
    sums = np.empty(_LANES)
    for query in range(queries.shape[0]):
        for row in candidates[query]:
            if row < 0:
                break
            if row != own_rows[query]:
                _insert(indices[query], distances[query], row, _distance(queries[query], shard[row], sums))
                if distances[query, k - 1] == 0.0:
                    break
    return indices, distances


def _squared_norms_loop(vectors: Any) -> Any:
    norms = np.empty(vectors.shape[0])
    zero = np.zeros(vectors.shape[1], np.float32)
    sums = np.empty(_LANES)
    for row in range(vectors.shape[0]):
        norms[row] = _distance(vectors[row], zero, sums) ** 2
    return norms


_nearest = numba.njit(nogil=True, cache=True)(_nearest_loop)
_squared_norms = numba.njit(nogil=True, cache=True)(_squared_norms_loop)
