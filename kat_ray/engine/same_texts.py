"""Which rows of one table of prompts have the texts of which rows of another, by the hashes of the texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kat_ray.snapshot.columns import read_table
from kat_ray.storage import Location


def text_hashes(prompts: Location) -> NDArray[np.void]:
    """The hash of each text of a table of prompts, 16 bytes each [N]."""
    column = read_table(prompts, ["text_hash"])["text_hash"].combine_chunks()
    start = column.offset * 16
    data = np.frombuffer(column.buffers()[1], np.uint8)[start : start + 16 * len(column)]
    return np.frombuffer(data.tobytes(), np.dtype("V16"))


def find_rows(wanted: NDArray[np.void], known: NDArray[np.void]) -> NDArray[np.int64]:
    """Row of each wanted hash among the known ones, -1 for none; two 64-bit halves are compared, first sorted."""
    keys, queries = known.view("<u8").reshape(-1, 2), wanted.view("<u8").reshape(-1, 2)
    if not len(keys):
        return np.full(len(queries), -1, np.int64)
    order = np.argsort(keys[:, 0], kind="stable")
    rows = order[np.minimum(np.searchsorted(keys[order, 0], queries[:, 0]), len(keys) - 1)]
    return np.where((keys[rows] == queries).all(axis=1), rows, -1)
