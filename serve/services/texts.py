"""The texts of a snapshot's prompts, held in memory from their first use on, for previews and search by substring."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from kat_ray.arrays import Int64Vector
from kat_ray.snapshot.snapshot import Snapshot
from serve.once import Once

PREVIEW_CHARS = 160
"""Code points of a text in lists."""


class Texts:
    """Texts [N] as they were embedded, and the source of each."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._columns = Once(lambda: snapshot.prompts(columns=["text", "source"]))

    def previews(self, rows: NDArray[np.int64]) -> list[str]:
        """The beginnings [B] of the texts of rows."""
        return self._take("text", rows, PREVIEW_CHARS)

    def texts(self, rows: NDArray[np.int64]) -> list[str]:
        """The whole texts [B] of rows."""
        return self._take("text", rows, None)

    def sources(self, rows: NDArray[np.int64]) -> list[str]:
        """The first seen sources [B] of rows."""
        return self._take("source", rows, None)

    def rows_with(self, words: str) -> Int64Vector:
        """Rows, ascending, whose text holds these very characters, in upper or lower case."""
        found = compute.match_substring(self._columns()["text"], words, ignore_case=True)
        return np.flatnonzero(found.to_numpy())

    def _take(self, name: str, rows: NDArray[np.int64], chars: int | None) -> list[str]:
        column: pa.ChunkedArray = self._columns()[name].take(pa.array(rows))
        if chars is not None:
            column = compute.utf8_slice_codeunits(column, 0, chars)
        taken: list[str] = column.to_pylist()
        return taken
