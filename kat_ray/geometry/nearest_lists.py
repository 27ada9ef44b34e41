"""Of each row the best rows that were seen so far, and the two ways to see more: products, and neighbors' neighbors.

Knows codes and row numbers. What is better is the score of `candidates`. Nothing depends on the number of threads as
long as each list is written by one of them: a round of `refine` reads what the round before has left.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import IndexMatrix, Int64Vector
from kat_ray.geometry.codes import CHUNK, Codes

_BLOCKS = 64  # parts of a round, for any number of threads up to this


class NearestLists:
    """Lists of `size` rows for each of N rows, best first: 8 N size bytes, and 8 N (size + 2 width) in `refine`."""

    def __init__(self, num_rows: int, size: int) -> None:
        self._scores = np.full((num_rows, size), -np.inf, np.float32)
        self._rows = np.full((num_rows, size), -1, np.int32 if num_rows < 2**31 else np.int64)

    @property
    def rows(self) -> NDArray[Any]:
        """[N, size], -1 behind the last one."""
        return self._rows

    def ascending(self, rows: Int64Vector) -> IndexMatrix:
        """The lists of some rows int64 [., size], each ascending; what is not full has the row itself instead."""
        lines = self._rows[rows].astype(np.int64)
        return np.sort(np.where(lines < 0, rows[:, None], lines), axis=1)

    def keep(
        self, products: NDArray[Any], own: Int64Vector, own_scales: NDArray[np.float32], held: Codes, ids: Int64Vector
    ) -> None:
        """Enter into the lists of the rows `own` [Q] those of the `ids` [R] whose products [Q, R] are among the best.

        `held` are the codes that were multiplied. A row is not entered into its own list, nor twice.
        """
        _keep(products, own, own_scales, ids, held.scales, held.halves, self._scores, self._rows)

    def refine(self, codes: Codes, width: int) -> float:
        """Enter the neighbors of neighbors, by the first `width` of each list and as many that have a row in theirs.

        Returns the share of all entries that are new.
        """
        nearest = np.ascontiguousarray(self._rows[:, :width])
        both = np.concatenate([nearest, _reversed(nearest)], axis=1)
        scores, rows = self._scores.copy(), self._rows.copy()
        found = _refine(codes.codes.numpy(), codes.scales, codes.halves, both, scores, rows)
        self._scores, self._rows = scores, rows
        return float(found.sum() / max(rows.size, 1))


def _insert_loop(line: Any, list_scores: Any, row: Any, score: Any) -> None:
    place = line.shape[0] - 1
    while place > 0 and list_scores[place - 1] < score:
        list_scores[place] = list_scores[place - 1]
        line[place] = line[place - 1]
        place -= 1
    list_scores[place] = score
    line[place] = row


def _holds_loop(line: Any, row: Any) -> bool:
    for known in line:  # noqa: SIM110 - compiled
        if known == row:
            return True
    return False


_insert = numba.njit(nogil=True, cache=True)(_insert_loop)
_holds = numba.njit(nogil=True, cache=True)(_holds_loop)


def _keep_loop(
    products: Any, own: Any, own_scales: Any, ids: Any, scales: Any, halves: Any, scores: Any, rows: Any
) -> None:
    last = rows.shape[1] - 1
    whole = products.shape[1] // CHUNK * CHUNK  # all of it; said so that no index needs to be checked
    for query in range(products.shape[0]):
        row, scale, line = own[query], own_scales[query], products[query]
        for first in range(0, whole, CHUNK):
            least, hits = scores[row, last], np.int32(0)
            for place in range(CHUNK):  # of a known length: made of wide instructions
                score = np.float32(line[first + place]) * scales[first + place] * scale - halves[first + place]
                hits += np.int32(score > least)
            if hits == 0:
                continue
            for place in range(first, first + CHUNK):
                score = np.float32(line[place]) * scales[place] * scale - halves[place]
                if score > scores[row, last] and ids[place] != row and not _holds(rows[row], ids[place]):
                    _insert(rows[row], scores[row], ids[place], score)


def _reversed_loop(rows: Any) -> Any:
    """For each row as many rows that have it in their list, those first that have it far in front."""
    width = rows.shape[1]
    found = np.full(rows.shape, -1, rows.dtype)
    counts = np.zeros(rows.shape[0], np.int32)
    for place in range(width):
        for row in range(rows.shape[0]):
            near = rows[row, place]
            if near >= 0 and counts[near] < width:
                found[near, counts[near]] = row
                counts[near] += 1
    return found


def _product_loop(left: Any, right: Any) -> Any:
    total = np.int32(0)
    for place in range(left.shape[0]):
        total += np.int32(left[place]) * np.int32(right[place])
    return np.float32(total)


_product = numba.njit(nogil=True, cache=True)(_product_loop)


def _refine_loop(codes: Any, scales: Any, halves: Any, both: Any, scores: Any, rows: Any) -> Any:
    found = np.zeros(_BLOCKS, np.int64)
    size = -(-len(rows) // _BLOCKS)
    for block in numba.prange(_BLOCKS):
        seen_by = np.full(len(rows), -1, rows.dtype)
        for row in range(block * size, min(len(rows), (block + 1) * size)):
            seen_by[row] = row
            for near in rows[row]:
                if near >= 0:
                    seen_by[near] = row
            for near in both[row][both[row] >= 0]:
                for farther in both[near]:
                    if farther < 0 or seen_by[farther] == row:
                        continue
                    seen_by[farther] = row
                    product = _product(codes[row], codes[farther])
                    score = product * scales[farther] * scales[row] - halves[farther]
                    if score > scores[row, -1]:
                        _insert(rows[row], scores[row], farther, score)
                        found[block] += 1
    return found


_ANY_ORDER = {"reassoc", "nsz", "contract"}  # sums as wide instructions take them; infinity must stay what it is
_keep = numba.njit(nogil=True, cache=True, fastmath=_ANY_ORDER)(_keep_loop)
_reversed = numba.njit(nogil=True, cache=True)(_reversed_loop)
_refine = numba.njit(nogil=True, cache=True, parallel=True, fastmath=_ANY_ORDER)(_refine_loop)
