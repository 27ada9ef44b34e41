"""Names for arrays, and the one check they share.

Legend, used everywhere: N prompts, D dimensions, K neighbors, B batch, T tokens, Q queries, S rows of an index shard.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.errors import InputError

Float32Matrix = NDArray[np.float32]
Float32Vector = NDArray[np.float32]
Float64Matrix = NDArray[np.float64]
Float64Vector = NDArray[np.float64]
Int32Vector = NDArray[np.int32]
Int64Vector = NDArray[np.int64]
IndexMatrix = NDArray[np.int64]


def require_rows(name: str, array: NDArray[Any], *, ndim: int, rows: int | None = None) -> None:
    """Refuse an array of another rank or row count, or one with NaN or infinity, naming it.

    Raises:
        InputError: saying what was got and what was expected.
    """
    if array.ndim != ndim:
        raise InputError(f"{name} has {array.ndim} axes (shape {array.shape}), expected {ndim}.")
    if rows is not None and array.shape[0] != rows:
        raise InputError(f"{name} has {array.shape[0]:,} rows, expected {rows:,}; they come from different runs.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.argwhere(~np.isfinite(array))[0][0])
        raise InputError(f"{name} holds NaN or infinity, first in row {bad:,}; expected finite numbers.")
