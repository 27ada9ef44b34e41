"""Draws of rows by weight: without replacement, with replacement, and by systematic resampling.

Knows weights, a count and a seed; nothing of ids, files or Ray. Random numbers are counter-based (Philox, Salmon et al.
2011): the number of row i, or of draw i, is a function of (seed, i) alone, so that any split over workers gives the
same draw. Weights need not sum to 1; a row of weight 0 is never drawn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import index
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.errors import SamplingError

DrawMethod = Literal["systematic", "with_replacement", "without_replacement"]

_GUMBEL, _SPREAD, _ORDER, _OFFSET, _REPLACEMENT = range(1, 6)  # one stream of random numbers each
_LARGEST_SEED = 2**64 - 1
_REST_BITS = 12  # of a random word of 64 bits, which no number keeps
_BLOCK_DRAWS = 1 << 16  # what is computed together stays in the cache
_BINS_PER_ROW = 2
_MOST_BINS = 1 << 24
_MOST_STEPS = 16


@dataclass(frozen=True, slots=True)
class TopKeys:
    """The rows int64 [n] with the largest keys float64 [n], descending; equal keys by the lower row."""

    rows: Int64Vector
    keys: Float64Vector


class CumulativeTable:
    """Weights [N] made ready for many draws with replacement: the inverse of their running sum, in O(1) a draw.

    A guide table (Chen and Asau 1974) names the first row of each of at least 2 N equal bins of [0, 1), up to 2**24 of
    them; from there a draw goes on to the row that a binary search would find. Memory: 16 to 24 N bytes.

    Raises:
        SamplingError: the weights cannot be drawn from.
    """

    def __init__(self, weights: NDArray[Any]) -> None:
        self.weights = _checked(weights, 0)
        steps = _between_0_and_1(np.cumsum(self.weights))
        num_bins = 1 << min(_BINS_PER_ROW * len(steps) - 1, _MOST_BINS - 1).bit_length()
        self._shift = np.uint64(65 - num_bins.bit_length())
        counts = _counts_below(steps)
        self._last_words = np.where(counts == 0, 0, (counts << np.uint64(_REST_BITS)) - np.uint64(1))
        kind = np.int32 if len(steps) < 2**31 else np.int64
        first_words = np.arange(num_bins, dtype=np.uint64) << self._shift
        guide = np.searchsorted(self._last_words, first_words, side="left")
        self._guide = np.maximum(guide, np.count_nonzero(counts == 0)).astype(kind)

    def draw(self, n: int, seed: int, start: int = 0) -> Int64Vector:
        """Draws start to start + n of an endless list of independent draws, rows int64 [n].

        Raises:
            SamplingError: n is negative, or the seed is not one.
        """
        _check_count(n)
        source = _words(_REPLACEMENT, seed, start)
        rows = np.empty(n, np.int64)
        for first in range(0, n, _BLOCK_DRAWS):
            block = rows[first : first + _BLOCK_DRAWS]
            block[:] = self._rows(source.random_raw(len(block)))
        return rows

    def _rows(self, words: NDArray[np.uint64]) -> NDArray[Any]:
        rows: NDArray[Any] = self._guide[(words >> self._shift).view(np.int64)]
        waiting = np.flatnonzero(self._last_words[rows] < words)
        for _ in range(_MOST_STEPS):
            rows[waiting] += 1
            waiting = waiting[self._last_words[rows[waiting]] < words[waiting]]
        rows[waiting] = np.searchsorted(self._last_words, words[waiting], side="left")
        return rows


def draw(weights: NDArray[Any] | CumulativeTable, n: int, method: DrawMethod, seed: int, epoch: int = 0) -> Int64Vector:
    """The draw of n rows [n] of one epoch: whoever has the weights, the seed and the epoch has the same draw.

    "systematic" and "without_replacement" as the functions of these names, "with_replacement" independent draws.

    Raises:
        SamplingError: as these functions, or an unknown method.
    """
    mixed = epoch_seed(seed, epoch)
    if method == "with_replacement":
        table = weights if isinstance(weights, CumulativeTable) else CumulativeTable(weights)
        return table.draw(n, mixed)
    values = weights.weights if isinstance(weights, CumulativeTable) else weights
    if method == "systematic":
        return systematic(values, n, mixed)
    if method == "without_replacement":
        return without_replacement(values, n, mixed)
    raise SamplingError(
        f"There is no draw {str(method)[:40]!r}; expected systematic, with_replacement or without_replacement."
    )


def epoch_seed(seed: int, epoch: int) -> int:
    """One seed in [0, 2**64) from a seed and an epoch of this range, by BLAKE2b; other pairs give other seeds.

    Raises:
        SamplingError: the seed or the epoch is out of range.
    """
    words = [index(value) for value in (seed, epoch)]
    for name, word in zip(("seed", "epoch"), words, strict=True):
        _check_seed(name, word)
    mixed = hashlib.blake2b(b"".join(word.to_bytes(8, "little") for word in words), digest_size=8)
    return int.from_bytes(mixed.digest(), "little")


def without_replacement(weights: NDArray[Any], n: int, seed: int) -> Int64Vector:
    """Draw n distinct rows in draw order, each next one with probability proportional to weight among those left.

    Gumbel top-k (Kool et al. 2019, arxiv.org/abs/1903.06059): log weight + Gumbel noise, largest first.

    Raises:
        SamplingError: n is larger than the number of rows with a positive weight, or the weights cannot be drawn from.
    """
    num_positive = int(np.count_nonzero(_checked(weights, n)))
    if n > num_positive:
        raise SamplingError(f"Cannot draw {n:,} distinct rows: {num_positive:,} rows have a positive weight.")
    return top_keys(gumbel_keys(weights, 0, seed), 0, n).rows


def gumbel_keys(weights: NDArray[Any], start_row: int, seed: int) -> Float64Vector:
    """Keys of a slice of the weights that begins at start_row; the n largest keys of all slices are the draw."""
    with np.errstate(divide="ignore"):
        logs = np.log(_checked(weights, 0))
    return np.asarray(logs - np.log(-np.log(_uniforms(_GUMBEL, seed, start_row, len(logs)))))


def top_keys(keys: Float64Vector, start_row: int, n: int) -> TopKeys:
    """The n largest keys of a slice that begins at start_row, or all of them if there are fewer."""
    return _largest(np.arange(start_row, start_row + len(keys)), keys, n)


def merge_top_keys(left: TopKeys, right: TopKeys, n: int) -> TopKeys:
    """The n largest keys of two disjoint slices; associative and commutative."""
    return _largest(np.concatenate([left.rows, right.rows]), np.concatenate([left.keys, right.keys]), n)


def systematic(weights: NDArray[Any], n: int, seed: int) -> Int64Vector:
    """A training list of n rows [n] in which row i stands floor or ceil of n p_i times, its copies spread out.

    One random offset decides all remainders (Madow 1949), over the rows in random order so that neighbors in the corpus
    are not tied together; each copy then takes a random place in its own equal part of the list.

    Raises:
        SamplingError: the weights cannot be drawn from, or n is negative.
    """
    shares = _checked(weights, n)
    expected = n * (shares / shares.sum())
    order = _ranked(_words(_ORDER, seed, 0).random_raw(len(shares)))
    copies = np.floor(expected)
    copies[order] += _remainders((expected - copies)[order], n - int(copies.sum()), seed)
    rows = np.repeat(np.arange(len(shares)), copies.astype(np.int64))
    return rows[_ranked((_places(copies.astype(np.int64), seed) * 2.0**63).astype(np.uint64))]


def with_replacement(weights: NDArray[Any], n: int, seed: int, start_draw: int = 0) -> Int64Vector:
    """n independent draws, see `CumulativeTable`, which saves O(N) where the same weights are drawn from again."""
    return CumulativeTable(weights).draw(n, seed, start_draw)


def _checked(weights: NDArray[Any], n: int) -> Float64Vector:
    _check_count(n)
    values = np.asarray(weights, np.float64)
    with np.errstate(over="ignore"):
        total = values.sum()
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0.0)).all() or not 0.0 < total < np.inf:
        raise SamplingError(
            "Weights to draw from must be one column of finite, not negative numbers, not all 0, with a finite sum."
        )
    return values


def _check_count(n: int) -> None:
    if n < 0:
        raise SamplingError(f"Cannot draw {n:,} rows, expected 0 or more.")


def _check_seed(name: str, value: int) -> None:
    if not 0 <= value <= _LARGEST_SEED:
        raise SamplingError(f"The {name} is {value}, expected 0 to 2**64 - 1.")


def _words(stream: int, seed: int, start: int) -> np.random.Philox:
    """One stream of random 64-bit words, of which `start` words are behind."""
    _check_seed("seed", seed)
    source = np.random.Philox(key=seed | (stream << 64), counter=start // 4)
    source.random_raw(start % 4)
    return source


def _between_0_and_1(steps: Float64Vector) -> Float64Vector:
    """The same by a power of two: no bit changes where no number is too small for all its bits."""
    return np.asarray(np.ldexp(steps, -np.frexp(steps[-1])[1]))


def _counts_below(steps: Float64Vector) -> NDArray[np.uint64]:
    """How many of the 2**52 numbers of `_to_uniforms`, times the last step, lie below each step; all from it on.

    So a draw compares words as they come, and is the row that the numbers would give.
    """
    total, counts = steps[-1], np.minimum(steps / steps[-1] * 2.0**52, 2.0**52).astype(np.int64)
    while (above := (counts > 0) & (_middles(counts - 1) * total >= steps)).any():
        counts -= above
    while (below := (counts < 2**52) & (_middles(counts) * total < steps)).any():
        counts += below
    counts[int(np.flatnonzero(np.diff(steps, prepend=0.0))[-1]) :] = 2**52
    return np.asarray(counts.astype(np.uint64))


def _to_uniforms(words: NDArray[np.uint64]) -> Float64Vector:
    """Numbers in the open interval (0, 1); the first 52 bits of a word are the first 52 bits of its number."""
    return _middles(words >> np.uint64(_REST_BITS))


def _middles(numbers: NDArray[np.integer[Any]]) -> Float64Vector:
    return np.asarray((numbers + 0.5) * 2.0**-52)


def _uniforms(stream: int, seed: int, start: int, count: int) -> Float64Vector:
    """Numbers start to start + count of one stream, each in the open interval (0, 1)."""
    return _to_uniforms(_words(stream, seed, start).random_raw(count))


def _largest(rows: Int64Vector, keys: Float64Vector, n: int) -> TopKeys:
    order = np.lexsort((rows, -keys))[:n]
    return TopKeys(rows[order], keys[order])


def _ranked(keys: NDArray[np.uint64]) -> Int64Vector:
    """The order [n] of keys by their leading bits, equal ones by place: one sort of words, since that is vectorized."""
    low = np.uint64((1 << max(0, len(keys) - 1).bit_length()) - 1)
    words = (keys & ~low) | np.arange(len(keys), dtype=np.uint64)
    words.sort()
    return (words & low).view(np.int64)


def _remainders(fractions: Float64Vector, count: int, seed: int) -> Float64Vector:
    """0 or 1 for each row, `count` in all, by points one apart along the running sum of the fractions."""
    steps = np.minimum(np.concatenate([[0.0], np.cumsum(fractions)]), count)
    steps[-1] = count
    return np.diff(np.ceil(np.maximum(steps - _uniforms(_OFFSET, seed, 0, 1), 0.0)))


def _places(copies: Int64Vector, seed: int) -> Float64Vector:
    """A place in (0, 1) for each copy of each row: copy j of c lies at random between j / c and (j + 1) / c."""
    firsts = np.repeat(np.cumsum(copies) - copies, copies)
    counts = np.repeat(copies, copies)
    return (np.arange(len(counts)) - firsts + _uniforms(_SPREAD, seed, 0, len(counts))) / counts
