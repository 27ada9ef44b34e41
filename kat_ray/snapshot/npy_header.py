"""The header of a `.npy` file: what an array says of itself.

Plain numbers only: an array of objects is data to be unpickled, which is code to be run, so it ends here.
"""

from __future__ import annotations

import io
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from kat_ray.errors import SnapshotDamagedError, SnapshotMismatchError

HEADER_BYTES = 4096
"""Enough first bytes of a file to hold any header that `header_bytes` writes."""


class NpyHeader(NamedTuple):
    """What a `.npy` file says of itself, and the byte at which its data starts."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int


def header_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """The bytes before the data of an array.

    Raises:
        SnapshotMismatchError: the dtype is not one of plain numbers.
    """
    if dtype.kind not in "fiu":
        raise SnapshotMismatchError(f"A column of {dtype} cannot be stored; expected floats or integers.")
    header = io.BytesIO()
    description = {"descr": npy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(header, description)
    return header.getvalue()


def parse_header(name: str, first_bytes: bytes) -> NpyHeader:
    """Read a header from the first bytes of a file called `name`.

    Raises:
        SnapshotDamagedError: these are not the first bytes of an array of plain numbers in row order.
    """
    stream = io.BytesIO(first_bytes)
    try:
        version = npy_format.read_magic(stream)
        readers = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f"format version {version} is not one of 1.0, 2.0")
        shape, fortran_order, dtype = readers[version](stream)
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        raise SnapshotDamagedError(f"{name} is not a readable .npy file ({error}).") from error
    if dtype.kind not in "fiu" or fortran_order or not shape or min(shape) < 0:
        raise SnapshotDamagedError(
            f"{name} holds {dtype} of shape {shape}{' in column order' if fortran_order else ''}, expected plain "
            "numbers in row order; arrays of objects are never loaded. Build the snapshot again."
        )
    return NpyHeader(shape, dtype, stream.tell())
