"""Rows that can be among the nearest ones, by products of 8-bit integers: several times as fast as by float32.

Knows vectors and positions in one shard; nothing of distances, corpora or files. The score of a row y for a query x is
x.y - |y|^2 / 2, which falls as the distance grows. By Cauchy and Schwarz the score of the `codes` is within

    slack = |rest x| max|y| + (|x| + |rest x|) max|rest y|  (and a term for roundings of its evaluation in float32)

of the true one; so no row whose score is more than two slacks below the k-th largest is one of the k nearest. All
others are kept as far as there is room, and how near a row may be that is left out is known in any case.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, IndexMatrix, Int64Vector
from kat_ray.geometry.codes import CHUNK, Multiplier, encode
from kat_ray.geometry.distances import nearest_of

_TILE_ROWS = 2048  # with 1,024 queries 8 MB of products: they stay in the cache from the product to the scan
_LEAST_ROOM = 256  # rows kept for a query; real corpora need about 70
_LOWEST = np.float32(-3e38)
_ROUNDINGS = 16 * 2.0**-24
_UNDERFLOW = 1e-37  # what is smaller may count as nothing in float32


class Candidates(NamedTuple):
    """Rows of a shard for each of Q queries, and how near any other row may be."""

    rows: IndexMatrix
    """int64 [Q, C], ascending in each line, -1 behind its last one."""
    nearest_left_out: Float64Vector
    """[Q]: every row that is left out has at least this squared distance; infinity where none is left out."""


class _Best(NamedTuple):
    """Of each query the rows with the largest scores so far, largest first, and the largest score that has no room."""

    scores: NDArray[np.float32]
    rows: IndexMatrix
    counts: Int64Vector
    left_out: NDArray[np.float32]
    floors: NDArray[np.float32]
    """A row with a lower score never counts."""
    widths: NDArray[np.float32]
    """A row counts while its score is no more than this below the k-th largest."""
    k: int


class CodedShard:
    """A shard float32 [S, D], held without a copy, with the lengths of its rows [S]; S * (D + 24) bytes besides."""

    def __init__(self, vectors: Float32Matrix, lengths: Float64Vector) -> None:
        self._vectors = vectors
        self._held = encode(vectors, lengths, CHUNK)

    def find(
        self,
        queries: Float32Matrix,
        lengths: Float64Vector,
        own_rows: Int64Vector,
        k: int,
        reach: Float64Vector | None = None,
    ) -> Candidates:
        """All rows that can be among the k nearest of each query [Q, D] besides its own row; k at least 1.

        With a `reach` [Q] for each query, rows farther than that are left out, too.
        """
        asked, held = encode(queries, lengths), self._held
        sums = 0.0 if asked.codes.dtype == torch.int8 else asked.codes.shape[1] * 2.0**-24
        slack = score_slack(lengths, asked.rests, held.lengths.max(), held.rests.max(), sums)
        floors = np.full(len(queries), -np.inf) if reach is None else (lengths**2 - reach**2) / 2.0 - 2.0 * slack
        best = _nothing(min(max(_LEAST_ROOM, 4 * k), len(held.lengths)), floors, 2.0 * slack, k)
        multiply = Multiplier(len(queries) * _TILE_ROWS)
        for start in range(0, len(held.codes), _TILE_ROWS):
            tile = slice(start, start + _TILE_ROWS)
            products = multiply(asked.codes, held.codes[tile])
            _keep(products, start, held.halves[tile], held.scales[tile], asked.scales, own_rows, *best)
        _finish(*best)
        return Candidates(best.rows, lengths**2 - 2.0 * (best.left_out.astype(np.float64) + slack))

    def measure(
        self, queries: Float32Matrix, own_rows: Int64Vector, candidates: IndexMatrix, k: int
    ) -> tuple[IndexMatrix, Float64Matrix]:
        """The k nearest of the candidate rows, see `distances.nearest_of`."""
        return nearest_of(queries, own_rows, self._vectors, candidates, k)


def score_slack(
    lengths: Float64Vector, rests: Float64Vector, longest: float, largest_rest: float, sums: float
) -> Float64Vector:
    """How far the scores of Q queries may be from true ones [Q]: rows lost `rests` of their `lengths` to rounding.

    `longest` and `largest_rest` are the shard's, `sums` the relative error of a sum of products.
    """
    lost = rests * longest + (lengths + rests) * largest_rest
    return np.asarray(lost + (_ROUNDINGS + sums) * (lengths + longest) ** 2 + _UNDERFLOW)


def _nothing(room: int, floors: Float64Vector, widths: Float64Vector, k: int) -> _Best:
    shape = len(widths), room
    scores, rows, counts = np.empty(shape, np.float32), np.empty(shape, np.int64), np.zeros(shape[0], np.int64)
    return _Best(
        scores, rows, counts, floors.astype(np.float32), floors.astype(np.float32), widths.astype(np.float32), k
    )


def _keep_loop(
    products: Any, start: int, halves: Any, scales: Any, own_scales: Any, own_rows: Any,
    scores: Any, rows: Any, counts: Any, left_out: Any, floors: Any, widths: Any, k: int,
) -> None:  # fmt: skip
    whole = products.shape[1] // CHUNK * CHUNK  # all of it; said so that no index needs to be checked
    for query in range(products.shape[0]):
        own, line = own_scales[query], products[query]
        lowest = max(floors[query], _LOWEST)
        least = max(lowest, scores[query, k - 1] - widths[query]) if counts[query] >= k else lowest
        for first in range(0, whole, CHUNK):
            hits = np.int32(0)
            for place in range(CHUNK):  # of a known length: made of wide instructions
                score = np.float32(line[first + place]) * scales[first + place] * own - halves[first + place]
                hits += np.int32(score >= least)
            if hits == 0:
                continue
            for place in range(first, first + CHUNK):
                score = np.float32(line[place]) * scales[place] * own - halves[place]
                if score >= least and start + place != own_rows[query]:
                    _insert(query, start + place, score, scores, rows, counts, left_out)
                    if counts[query] >= k:
                        least = max(lowest, scores[query, k - 1] - widths[query])
                        _drop(query, least, scores, counts)


def _insert_loop(query: int, row: int, score: Any, scores: Any, rows: Any, counts: Any, left_out: Any) -> None:
    place = counts[query]
    if place == scores.shape[1]:
        place -= 1
        left_out[query] = max(left_out[query], min(score, scores[query, place]))
        if score <= scores[query, place]:
            return
    else:
        counts[query] += 1
    while place > 0 and scores[query, place - 1] < score:
        scores[query, place] = scores[query, place - 1]
        rows[query, place] = rows[query, place - 1]
        place -= 1
    scores[query, place] = score
    rows[query, place] = row


def _drop_loop(query: int, least: Any, scores: Any, counts: Any) -> None:
    while scores[query, counts[query] - 1] < least:
        counts[query] -= 1


def _finish_loop(scores: Any, rows: Any, counts: Any, left_out: Any, _floors: Any, widths: Any, k: int) -> None:
    for query in range(rows.shape[0]):
        count = counts[query]
        if count >= k:
            left_out[query] = max(left_out[query], scores[query, k - 1] - widths[query])
        rows[query, :count].sort()
        rows[query, count:] = -1


_insert = numba.njit(nogil=True, cache=True)(_insert_loop)
_drop = numba.njit(nogil=True, cache=True)(_drop_loop)
_finish = numba.njit(nogil=True, cache=True)(_finish_loop)
# Sums may be taken in any order, as wide instructions do; infinity must stay what it is.
_keep = numba.njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "contract"})(_keep_loop)
