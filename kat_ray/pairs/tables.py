"""Rows of a Parquet split as Python objects, a small batch at a time.

Knows Parquet; of pairs no more than the names of the columns that they are read from when no others are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import parquet as pq

from kat_ray.pairs.guarded import GuardedFile
from kat_ray.pairs.lines import MAX_LINE_BYTES
from kat_ray.pairs.splits import Split
from kat_ray.storage import Location

_COLUMNS = ("prefix", "prompt", "chosen", "rejected", "src", "source")
_BATCH_ROWS = 512
_BUFFER_BYTES = 4 << 20


class TableReader:
    """Iterates over (number, row) of a Parquet split, numbers from 1 inside the split.

    A row is an object with those of the columns that are there, or a string: the reason why it, or the rest of the
    split, cannot be read. `num_lines` is the number of rows that the footer states.
    """

    def __init__(self, split: Split, columns: Sequence[str] = _COLUMNS) -> None:
        self.num_lines = 0
        self._split = split
        self._columns = columns
        self._read = 0

    def __iter__(self) -> Iterator[tuple[int, dict[str, object] | str]]:
        self.num_lines = self._read = 0
        try:
            location = Location(self._split.uri)
            with location.open_input() as stream:
                table = pq.ParquetFile(GuardedFile(stream, location), pre_buffer=False, buffer_size=_BUFFER_BYTES)
                for batch in self._batches(table):
                    yield from self._rows(batch)
        except (pa.ArrowException, OSError):
            self.num_lines = max(self.num_lines, self._read + 1)
            yield self._read + 1, "the Parquet data are damaged; the rest of the file's part was not read"

    def _batches(self, table: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
        groups = range(self._split.start, self._split.stop)
        self.num_lines = sum(table.metadata.row_group(group).num_rows for group in groups)
        columns = [name for name in self._columns if name in table.schema_arrow.names]
        yield from table.iter_batches(_BATCH_ROWS, row_groups=list(groups), columns=columns, use_threads=False)

    def _rows(self, batch: pa.RecordBatch) -> Iterator[tuple[int, dict[str, object] | str]]:
        for row in decode_rows(batch):
            self._read += 1
            yield self._read, row


def decode_rows(batch: pa.RecordBatch) -> Iterator[dict[str, object] | str]:
    """Rows, or reasons why one cannot be read: whole batches where possible; row by row when one of them is too large
    or cannot be decoded.
    """
    if batch.nbytes <= MAX_LINE_BYTES:
        try:
            yield from batch.to_pylist()
        except (ValueError, OverflowError):
            pass
        else:
            return
    for index in range(batch.num_rows):
        yield _decode_row(batch.slice(index, 1))


def _decode_row(row: pa.RecordBatch) -> dict[str, object] | str:
    if row.nbytes > MAX_LINE_BYTES:
        return f"the row is longer than {MAX_LINE_BYTES >> 20} MiB"
    try:
        decoded: dict[str, object] = row.to_pylist()[0]
    except UnicodeDecodeError:
        return "not valid UTF-8"
    except (ValueError, OverflowError):
        return "a value cannot be decoded"
    return decoded
