"""Columns as files: `.npy` arrays and Parquet tables, streamed to and from any location.

Knows file formats and schemas; knows nothing of manifests, stores or what the numbers mean. Arrays hold plain
numbers: an object array, a pickle or any other file under the name of an array is refused before its data is touched.
Tables are cut into row groups of a fixed number of rows, whatever the chunks they came in, so that equal rows give
equal bytes and a row group is a block of work.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray
from pyarrow import parquet as pq

from kat_ray.errors import InputError, SnapshotDamagedError, SnapshotMismatchError
from kat_ray.snapshot.npy_header import HEADER_BYTES, NpyHeader, header_bytes, parse_header
from kat_ray.storage import Location

PROMPT_BLOCK_ROWS = 2048
"""Rows in a row group of a prompts or pairs table; also the unit of embedding and resume."""

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SOURCES = pa.list_(pa.struct([("source", pa.string()), ("count", pa.int32())]))

PROMPTS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("messages", _MESSAGES, nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("sources", _SOURCES, nullable=False),
        pa.field("num_pairs", pa.int32(), nullable=False),
        pa.field("num_complete_pairs", pa.int32(), nullable=False),
        pa.field("conversation_id", pa.string(), nullable=False),
        pa.field("text_hash", pa.binary(16), nullable=False),
    ]
)
"""One row a prompt, in order of first appearance: `text` is what is embedded, `source` the first one seen,
`sources` all of them with their pairs, `num_pairs` the accepted rows, `text_hash` the 16-byte BLAKE2b of `text`."""

PAIRS_SCHEMA = pa.schema(
    [
        pa.field("prompt_id", pa.string(), nullable=False),
        pa.field("prompt_row", pa.int64(), nullable=False),
        pa.field("conversation_id", pa.string(), nullable=False),
        pa.field("messages", _MESSAGES, nullable=False),
        pa.field("chosen", pa.string()),
        pa.field("rejected", pa.string()),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""One row an accepted pair, in order of appearance; a missing reply is null."""

REJECTS_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""One row a refused input row: `line` counts from 1 (the row number where the file is Parquet)."""

_REPEATING = ["source", "sources.list.element.source", "messages.list.element.role", "file", "reason"]


def write_npy(location: Location, blocks: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: DTypeLike) -> None:
    """Stream blocks of rows into one `.npy` file of a shape known in advance; memory holds one block.

    Raises:
        SnapshotMismatchError: a block has another dtype or row shape, or the rows do not add up; no file appears.
    """
    kind = np.dtype(dtype)
    rows = 0
    with location.open_output() as stream:
        stream.write(header_bytes(shape, kind))
        for block in blocks:
            if block.dtype != kind or block.shape[1:] != shape[1:]:
                raise SnapshotMismatchError(
                    f"{location.name} got a block of {block.dtype} {block.shape}, expected {kind} rows of {shape[1:]}."
                )
            rows += len(block)
            stream.write(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)
        if rows != shape[0]:
            raise SnapshotMismatchError(f"{location.name} got {rows:,} rows, expected {shape[0]:,}.")


_RUN_GAP_ROWS = 256  # rows farther apart than this are read apart


def read_npy_header(location: Location) -> NpyHeader:
    """Shape, dtype and data offset, after checking that the file has exactly the bytes that these promise.

    Raises:
        SnapshotDamagedError: the file is missing, cut, not an array of plain numbers, or not in row order.
    """
    with _opened(location) as stream:
        header = parse_header(location.name, stream.read(HEADER_BYTES))
        expected = header.offset + math.prod(header.shape) * header.dtype.itemsize
        if stream.size() != expected:
            raise SnapshotDamagedError(
                f"{location.name} has {stream.size():,} bytes, its header promises {expected:,}; "
                "it was cut or altered. Build the snapshot again."
            )
        return header


def read_npy(location: Location, start: int = 0, stop: int | None = None) -> NDArray[Any]:
    """Rows start..stop of a `.npy` file, read-only: mapped when it is local, one ranged read when it is not.

    Raises:
        SnapshotDamagedError: as `read_npy_header`.
    """
    header = read_npy_header(location)
    start, stop, _ = slice(start, stop).indices(header.shape[0])
    shape = (max(0, stop - start), *header.shape[1:])
    row_bytes = math.prod(header.shape[1:]) * header.dtype.itemsize
    offset, size = header.offset + start * row_bytes, shape[0] * row_bytes
    if size == 0:
        array: NDArray[Any] = np.empty(shape, header.dtype)
        array.flags.writeable = False
        return array
    if location.is_local:
        return np.asarray(np.memmap(location.path, header.dtype, mode="r", offset=offset, shape=shape))
    with _opened(location) as stream:
        return np.frombuffer(stream.read_at(size, offset), header.dtype).reshape(shape)


def read_npy_rows(location: Location, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Some rows of a `.npy` file, a copy in the order asked for; read in runs, as rows often lie close together.

    Raises:
        SnapshotDamagedError: as `read_npy_header`.
    """
    ordered, places = np.unique(rows, return_inverse=True)
    if not len(ordered):
        return read_npy(location, 0, 0)
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > _RUN_GAP_ROWS) + 1)
    parts = [read_npy(location, int(run[0]), int(run[-1]) + 1)[run - run[0]] for run in runs]
    return np.asarray(np.concatenate(parts)[places])


def write_parquet(
    location: Location,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    *,
    block_rows: int = PROMPT_BLOCK_ROWS,
    page_index: bool = False,
) -> int:
    """Stream tables into one Parquet file with row groups of exactly `block_rows` (the last may be shorter).

    Returns the number of rows. Memory holds one row group and one incoming table.

    Raises:
        SnapshotMismatchError: a table has another schema; no file appears.
    """
    rows = 0
    options = {"compression": "zstd", "use_dictionary": _REPEATING, "write_page_index": page_index}
    with location.open_output() as stream, pq.ParquetWriter(stream, schema, **options) as writer:
        for block in _cut(location.name, schema, tables, block_rows):
            writer.write_table(block, row_group_size=block_rows)
            rows += block.num_rows
    return rows


def read_table(location: Location, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of a Parquet file, all columns or the named ones.

    Raises:
        SnapshotDamagedError: the file is missing or not readable as Parquet.
    """
    with _parquet(location) as file:
        return file.read(columns=columns)


def read_block(location: Location, block: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Row group `block` of a Parquet file, all columns or the named ones.

    Raises:
        SnapshotDamagedError: the file is missing or not readable as Parquet.
        InputError: there is no such block.
    """
    with _parquet(location) as file:
        if not 0 <= block < file.num_row_groups:
            raise InputError(f"{location.name} has {file.num_row_groups:,} blocks; there is no block {block}.")
        return file.read_row_group(block, columns=columns)


def read_blocks(location: Location, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """All row groups of a Parquet file in order, one in memory at a time.

    Raises:
        SnapshotDamagedError: the file is missing or not readable as Parquet.
    """
    with _parquet(location) as file:
        for block in range(file.num_row_groups):
            yield file.read_row_group(block, columns=columns)


def read_rows(
    location: Location,
    rows: NDArray[np.int64],
    columns: Sequence[str] | None = None,
    footer: pq.FileMetaData | None = None,
) -> pa.Table:
    """Rows of a Parquet file in the order asked for; reads only the row groups that hold them.

    `footer` saves reading the file's own again.

    Raises:
        SnapshotDamagedError: the file is missing or not readable as Parquet.
        InputError: a row lies outside the file.
    """
    with _parquet(location, footer) as file:
        num_rows = file.metadata.num_rows
        if rows.size and not 0 <= rows.min() <= rows.max() < num_rows:
            raise InputError(f"{location.name} has {num_rows:,} rows; asked for rows {rows.min():,} to {rows.max():,}.")
        sizes = np.array([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)], np.int64)
        ends = np.cumsum(sizes)
        groups = np.searchsorted(ends, rows, side="right")
        wanted, position = np.unique(groups, return_inverse=True)
        starts = np.cumsum(sizes[wanted]) - sizes[wanted]
        table = file.read_row_groups(wanted.tolist(), columns=columns)
        return table.take(rows - (ends - sizes)[groups] + starts[position])


def _opened(location: Location) -> pa.NativeFile:
    try:
        return location.open_input()
    except OSError as error:
        raise SnapshotDamagedError(f"{location} is missing or cannot be read: {error}") from error


@contextmanager
def _parquet(location: Location, footer: pq.FileMetaData | None = None) -> Iterator[pq.ParquetFile]:
    with _opened(location) as stream:
        try:
            yield pq.ParquetFile(stream, metadata=footer)
        except (pa.ArrowException, OSError) as error:
            raise SnapshotDamagedError(f"{location.name} cannot be read as Parquet: {error}") from error


def _cut(name: str, schema: pa.Schema, tables: Iterable[pa.Table], block_rows: int) -> Iterator[pa.Table]:
    waiting = schema.empty_table()
    for table in tables:
        if not table.schema.equals(schema):
            raise SnapshotMismatchError(f"{name} got a table with columns {table.schema}, expected {schema}.")
        waiting = pa.concat_tables([waiting, table])
        while waiting.num_rows >= block_rows:
            yield waiting.slice(0, block_rows).combine_chunks()
            waiting = waiting.slice(block_rows)
    if waiting.num_rows:
        yield waiting.combine_chunks()
