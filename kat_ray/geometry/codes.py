"""Vectors as 8-bit integers, and their products: several times as fast as those of float32.

Knows vectors; nothing of neighbors. A row x is held as scale * code with codes from -127 to 127, so that
x = scale * code + rest, and the length of the rest is known.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector
from kat_ray.geometry.distances import frozen

CHUNK = 64
"""Rows that are looked at together: `encode` and `Codes.take` fill up to a multiple of this where they are asked to."""
_MOST_CODE = 127
_WIDTH_STEP = 16  # columns of codes are filled up with zeros to a multiple of this
_LOG = logging.getLogger(__name__)


class Codes(NamedTuple):
    """Vectors [S, D] as codes [R, W], filled up with zeros; R is S, or the next multiple of CHUNK."""

    codes: torch.Tensor
    """int8, or the same integers in float32 on a machine whose products of 8-bit integers are not exact."""
    scales: NDArray[np.float32]
    """[R], 0 behind S."""
    halves: NDArray[np.float32]
    """[R] half the squared length of the vector, infinity behind S: no row that fills up is ever near."""
    lengths: Float64Vector
    """[S] of the vectors."""
    rests: Float64Vector
    """[S] lengths of what the codes leave out."""

    def take(self, rows: Int64Vector) -> Codes:
        """Some of the rows, filled up to a multiple of CHUNK."""
        size, filled = len(rows), filled_up(len(rows), CHUNK)
        codes = torch.zeros((filled, self.codes.shape[1]), dtype=self.codes.dtype)
        torch.index_select(self.codes, 0, torch.from_numpy(rows), out=codes[:size])
        scales, halves = np.zeros(filled, np.float32), np.full(filled, np.inf, np.float32)
        scales[:size], halves[:size] = self.scales[rows], self.halves[rows]
        return Codes(codes, scales, halves, self.lengths[rows], self.rests[rows])


def encode(vectors: Float32Matrix, lengths: Float64Vector, rows_step: int = 1) -> Codes:
    """Codes of vectors [S, D] of these lengths [S], filled up to a multiple of `rows_step` rows."""
    width, filled = filled_up(vectors.shape[1], _WIDTH_STEP), filled_up(len(vectors), rows_step)
    codes = np.zeros((filled, width), np.int8)
    scales, rests = np.zeros(filled, np.float32), np.empty(len(vectors))
    _fill_codes(frozen(vectors), codes, scales, rests)
    halves = np.full(filled, np.inf, np.float32)
    halves[: len(lengths)] = 0.5 * lengths**2
    held = torch.from_numpy(codes)
    return Codes(held if _has_exact_integers(width) else held.float(), scales, halves, lengths, rests)


class Multiplier:
    """Products of codes in one buffer of at most `most_products`: fresh memory each time costs more than they do."""

    def __init__(self, most_products: int) -> None:
        self._most = most_products
        self._buffer = torch.empty(0)

    def __call__(self, asked: torch.Tensor, held: torch.Tensor) -> NDArray[Any]:
        """Products [Q, R] of codes [Q, W] and [R, W]; they stand until the next call."""
        is_integer = asked.dtype == torch.int8
        if not len(self._buffer):
            self._buffer = torch.empty(self._most, dtype=torch.int32 if is_integer else torch.float32)
        out = self._buffer[: len(asked) * len(held)].view(len(asked), len(held))
        multiply = torch._int_mm if is_integer else torch.mm
        return np.asarray(multiply(asked, held.T, out=out).numpy())


def filled_up(size: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-size // step) * step


@functools.cache
def _has_exact_integers(width: int) -> bool:
    """Whether this machine's products of `width` 8-bit integers are right: some CPUs add pairs of them in 16 bits."""
    signs = np.random.default_rng(0).choice(np.array([-_MOST_CODE, _MOST_CODE], np.int8), size=(64, width))
    signs[:8] = _MOST_CODE
    products = torch._int_mm(torch.from_numpy(signs), torch.from_numpy(signs).T)
    is_exact = np.array_equal(products.numpy(), signs.astype(np.int64) @ signs.T.astype(np.int64))
    if not is_exact:
        _LOG.warning(
            "This machine's 8-bit products are not exact; neighbors are searched in float32, several times slower."
        )
    return is_exact


def _fill_codes_loop(vectors: Any, codes: Any, scales: Any, rests: Any) -> None:
    for row in range(vectors.shape[0]):
        largest = np.float32(0.0)
        for value in vectors[row]:
            largest = max(largest, abs(value))
        scale = np.float32(largest / np.float32(_MOST_CODE))
        rest = 0.0
        for place in range(vectors.shape[1]):
            value = np.float64(vectors[row, place])
            code = np.rint(value / scale) if scale > 0.0 else 0.0
            code = min(max(code, -_MOST_CODE), _MOST_CODE)
            codes[row, place] = np.int8(code)
            rest += (value - code * np.float64(scale)) ** 2
        scales[row] = scale
        rests[row] = np.sqrt(rest) * (1.0 + 1e-12)


_fill_codes = numba.njit(nogil=True, cache=True)(_fill_codes_loop)
