"""Prompt ids as numbers: 16 lowercase hex digits are one unsigned 64-bit key, so that lookups are sorted searches.

Knows nothing of files. Any string may be asked for; one that cannot be an id is simply not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from kat_ray.arrays import Int64Vector
from kat_ray.errors import InputError

Ids: TypeAlias = Sequence[str] | NDArray[np.uint64] | pa.Array | pa.ChunkedArray
"""Prompt ids as strings, or as keys in a NumPy or Arrow array of uint64; an Arrow null is no id."""

_DIGITS = 16
_NOT_HEX = 255
_NIBBLES = np.full(256, _NOT_HEX, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_BYTE_NAMES = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), "V2")
_MOST_GUIDE_BITS = 24
_MOST_STEPS = 16
_LAST_KEY = np.uint64(2**64 - 1)


def parse_keys(ids: Ids) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Keys [B] of ids, and which of them [B] have the form of an id; the others have key 0.

    Raises:
        InputError: something other than strings or keys was given.
    """
    if isinstance(ids, np.ndarray) and ids.dtype == np.uint64 and ids.ndim == 1:
        return ids, np.ones(len(ids), np.bool_)
    if isinstance(ids, pa.Array | pa.ChunkedArray) and ids.type == pa.uint64():
        return ids.fill_null(0).to_numpy(), np.asarray(ids.is_valid().to_numpy(zero_copy_only=False), np.bool_)
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


def format_keys(keys: NDArray[np.uint64]) -> pa.StringArray:
    """The ids [B] of keys [B]."""
    names = _BYTE_NAMES[np.ascontiguousarray(keys, ">u8").view(np.uint8)]
    offsets = np.arange(0, _DIGITS * len(keys) + 1, _DIGITS, dtype=np.int64)
    long = pa.LargeStringArray.from_buffers(len(keys), pa.py_buffer(offsets), pa.py_buffer(names))
    return long.cast(pa.string())


class KeyIndex:
    """Finds the row of a key among N unique keys, many at a time.

    Keys are hashes, so that their first bits tell where among the sorted ones they stand: O(1) a key, and a binary
    search for whatever does not behave like a hash. Memory: 32 bytes a key.
    """

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        order = np.argsort(keys, kind="stable")
        self._order = np.append(order, -1)
        self._sorted = np.append(keys[order], _LAST_KEY)
        bits = min(max(1, len(keys).bit_length()), _MOST_GUIDE_BITS)
        self._shift = np.uint64(64 - bits)
        self._guide = np.searchsorted(self._sorted, np.arange(1 << bits, dtype=np.uint64) << self._shift)

    def first_duplicate(self) -> int | None:
        """The row of a key that an earlier row has too; None when all are unique."""
        equal = np.flatnonzero(self._sorted[1:-1] == self._sorted[:-2])
        return int(self._order[equal[0] + 1]) if equal.size else None

    def rows(self, keys: NDArray[np.uint64], known: NDArray[np.bool_]) -> Int64Vector:
        """Row [B] of each key; -1 where there is none or `known` is false."""
        places = self._guide[keys >> self._shift]
        waiting = np.flatnonzero(self._sorted[places] < keys)
        for _ in range(_MOST_STEPS):
            places[waiting] += 1
            waiting = waiting[self._sorted[places[waiting]] < keys[waiting]]
        places[waiting] = np.searchsorted(self._sorted, keys[waiting])
        return np.where(known & (self._sorted[places] == keys), self._order[places], -1)


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
