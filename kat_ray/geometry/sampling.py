"""Draws of rows by weight: without replacement, with replacement, and by systematic resampling.

Knows weights, a count and a seed; nothing of ids, files or Ray. Random numbers are counter-based (Philox, Salmon et al.
2011): the number of row i, or of draw i, is a function of (seed, i) alone, so that any split over workers gives the
same draw. Weights need not sum to 1; a row of weight 0 is never drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.errors import SamplingError

_GUMBEL, _SPREAD, _ORDER, _OFFSET, _REPLACEMENT = range(1, 6)  # one stream of random numbers each


@dataclass(frozen=True, slots=True)
class TopKeys:
    """The rows int64 [n] with the largest keys float64 [n], descending; equal keys by the lower row."""

    rows: Int64Vector
    keys: Float64Vector


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
    order = np.argsort(_uniforms(_ORDER, seed, 0, len(shares)), kind="stable")
    copies = np.floor(expected)
    copies[order] += _remainders((expected - copies)[order], n - int(copies.sum()), seed)
    rows = np.repeat(np.arange(len(shares)), copies.astype(np.int64))
    return rows[np.argsort(_places(copies.astype(np.int64), seed), kind="stable")]


def with_replacement(weights: NDArray[Any], n: int, seed: int, start_draw: int = 0) -> Int64Vector:
    """Draws start_draw to start_draw + n of an endless list of independent draws, rows int64 [n]; O(n log N).

    Raises:
        SamplingError: the weights cannot be drawn from, or n is negative.
    """
    steps = np.cumsum(_checked(weights, n))
    points = _uniforms(_REPLACEMENT, seed, start_draw, n) * steps[-1]
    last = int(np.flatnonzero(np.diff(steps, prepend=0.0))[-1])
    return np.asarray(np.minimum(np.searchsorted(steps, points, side="right"), last))


def _checked(weights: NDArray[Any], n: int) -> Float64Vector:
    values = np.asarray(weights, np.float64)
    if n < 0:
        raise SamplingError(f"Cannot draw {n:,} rows, expected 0 or more.")
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0.0)).all() or not values.sum() > 0.0:
        raise SamplingError("Weights to draw from must be one column of finite, not negative numbers, not all 0.")
    return values


def _uniforms(stream: int, seed: int, start: int, count: int) -> Float64Vector:
    """Numbers start to start + count of one stream, each in the open interval (0, 1)."""
    if not 0 <= seed < 2**64:
        raise SamplingError(f"The seed is {seed}, expected 0 to 2**64 - 1.")
    words = np.random.Philox(key=seed | (stream << 64), counter=start // 4).random_raw(start % 4 + count)[start % 4 :]
    return np.asarray(((words >> np.uint64(12)) + 0.5) * 2.0**-52)


def _largest(rows: Int64Vector, keys: Float64Vector, n: int) -> TopKeys:
    order = np.lexsort((rows, -keys))[:n]
    return TopKeys(rows[order], keys[order])


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
