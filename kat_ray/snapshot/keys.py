"""Prompt ids as numbers: 16 lowercase hex digits are one unsigned 64-bit key, so that lookups are sorted searches.

Knows nothing of files. Any string may be asked for; one that cannot be an id is simply not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from kat_ray.errors import InputError

_DIGITS = 16
_NOT_HEX = 255
_NIBBLES = np.full(256, _NOT_HEX, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def parse_keys(ids: Sequence[str] | pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Keys [B] of ids, and which of them [B] have the form of an id; the others have key 0.

    Raises:
        InputError: something other than strings was given.
    """
    texts = _as_arrow(ids)
    well_formed = compute.equal(compute.binary_length(texts), _DIGITS).fill_null(False)
    known = well_formed.to_numpy(zero_copy_only=False).astype(np.bool_)
    digits = _NIBBLES[_bytes(texts.filter(well_formed))]
    packed = (digits[:, 0::2] << 4) | (digits[:, 1::2] & 15)
    keys = np.zeros(len(texts), np.uint64)
    keys[known] = np.ascontiguousarray(packed).view(">u8")[:, 0]
    known[known] = (digits != _NOT_HEX).all(axis=1)
    keys[~known] = 0
    return keys, known


class KeyIndex:
    """Finds the row of a key among N unique keys in O(log N), many at a time."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def first_duplicate(self) -> int | None:
        """The row of a key that an earlier row has too; None when all are unique."""
        equal = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        return int(self._order[equal[0] + 1]) if equal.size else None

    def rows(self, keys: NDArray[np.uint64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Row [B] of each key; -1 where there is none or `known` is false."""
        if not self._sorted.size:
            return np.full(len(keys), -1, np.int64)
        place = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(known & (self._sorted[place] == keys), self._order[place], -1)


def _as_arrow(ids: Sequence[str] | pa.Array) -> pa.Array:
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if isinstance(ids, str):
        raise InputError(f"Expected several ids, got the one string {ids[:80]!r}; put it in a list.")
    try:
        return pa.array(ids, pa.string())
    except UnicodeEncodeError:
        return pa.array([str(text).encode(errors="replace") for text in ids], pa.binary())
    except (pa.ArrowException, TypeError) as error:
        raise InputError(f"Ids are strings of 16 hex digits; got something else ({error}).") from error


def _bytes(texts: pa.Array) -> NDArray[np.uint8]:
    """The bytes [B, 16] of strings that all have 16."""
    if not len(texts):
        return np.empty((0, _DIGITS), np.uint8)
    start = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset]
    data = np.frombuffer(texts.buffers()[2], np.uint8)
    return data[start : start + len(texts) * _DIGITS].reshape(-1, _DIGITS)
