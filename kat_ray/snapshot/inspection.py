"""Whether the files of a snapshot are what its manifest says: sizes, headers, row counts, and on request every byte.

Knows which form each known column must have; raises with the reason at the first thing that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet as pq

from kat_ray.errors import SnapshotDamagedError, SnapshotMismatchError
from kat_ray.snapshot.column_files import column_file, verify_sizes
from kat_ray.snapshot.column_record import ColumnRecord, record_column
from kat_ray.snapshot.columns import PAIRS_SCHEMA, PROMPTS_SCHEMA, REJECTS_SCHEMA, read_npy_header
from kat_ray.snapshot.manifest import Manifest
from kat_ray.storage import Location


class _Form(NamedTuple):
    dtypes: tuple[str, ...]
    num_axes: int


_INTEGERS = ("<i4", "<i8")
_ARRAYS = {
    "embeddings": _Form(("<f4",), 2),
    "num_tokens": _Form(("<i4",), 1),
    "neighbor_indices": _Form(_INTEGERS, 2),
    "neighbor_distances": _Form(("<f4",), 2),
    "density": _Form(("<f8",), 1),
    "density_percentile": _Form(("<f8",), 1),
    "weights": _Form(("<f8",), 1),
    "duplicates": _Form(_INTEGERS, 1),
    "clusters": _Form(_INTEGERS, 1),
    "layout": _Form(("<f4",), 2),
}
_TABLES = {"prompts": PROMPTS_SCHEMA, "pairs": PAIRS_SCHEMA, "rejects": REJECTS_SCHEMA}


def verify_snapshot(folder: Location, manifest: Manifest, *, checksums: bool) -> None:
    """Refuse a snapshot whose files are missing, cut, altered, of another kind, or of another number of rows.

    Raises:
        SnapshotDamagedError, SnapshotMismatchError: naming the file, what was got and what was expected.
    """
    manifest.column("prompts")
    verify_sizes(folder, manifest.columns)
    for record in manifest.columns:
        if record.name in _ARRAYS:
            _verify_array(column_file(folder, record), record, manifest.counts.prompts)
        elif record.name in _TABLES:
            _verify_table(column_file(folder, record), record)
    _verify_counts(manifest)
    if checksums:
        verify_checksums(folder, manifest.columns)


def verify_checksums(folder: Location, records: Sequence[ColumnRecord]) -> None:
    """Read every byte of these columns of the snapshot in `folder`.

    Raises:
        SnapshotDamagedError: naming the file that was altered.
    """
    for record in records:
        _verify_checksum(folder, record)


def _verify_array(file: Location, record: ColumnRecord, num_prompts: int) -> None:
    header, form = read_npy_header(file), _ARRAYS[record.name]
    if (header.dtype.str, header.shape) != (record.dtype, record.shape):
        raise SnapshotDamagedError(
            f"{record.file} holds {header.dtype.str} {header.shape}, the manifest says {record.dtype} {record.shape}."
        )
    if header.dtype.str not in form.dtypes or len(header.shape) != form.num_axes:
        expected = f"{' or '.join(form.dtypes)} with {form.num_axes} axes"
        raise SnapshotDamagedError(f"{record.file} holds {header.dtype.str} {header.shape}, expected {expected}.")
    if header.shape[0] != num_prompts:
        raise SnapshotMismatchError(
            f"{record.file} has {header.shape[0]:,} rows, the snapshot has {num_prompts:,} prompts; "
            "they come from different runs. Build the snapshot again."
        )


def _verify_table(file: Location, record: ColumnRecord) -> None:
    try:
        with file.open_input() as stream:
            footer = pq.read_metadata(stream)
        schema = footer.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        raise SnapshotDamagedError(f"{record.file} cannot be read as Parquet: {error}") from error
    if not schema.equals(_TABLES[record.name]):
        raise SnapshotDamagedError(f"{record.file} has columns {schema.names}, expected {_TABLES[record.name].names}.")
    if footer.num_rows != record.rows:
        raise SnapshotDamagedError(f"{record.file} has {footer.num_rows:,} rows, the manifest says {record.rows:,}.")


def _verify_counts(manifest: Manifest) -> None:
    counts = manifest.counts
    expected = {"prompts": counts.prompts, "pairs": counts.pairs, "rejects": counts.rejected}
    for record in manifest.columns:
        if record.rows != expected.get(record.name, record.rows):
            raise SnapshotMismatchError(
                f"{record.file} has {record.rows:,} rows, the manifest counts {expected[record.name]:,}; "
                "they come from different runs. Build the snapshot again."
            )
    shapes = {record.name: record.shape for record in manifest.columns}
    if shapes.get("neighbor_indices") != shapes.get("neighbor_distances"):
        raise SnapshotMismatchError("neighbor_indices.npy and neighbor_distances.npy have different shapes.")


def _verify_checksum(folder: Location, record: ColumnRecord) -> None:
    found = record_column(record.name, column_file(folder, record))
    if found.checksum != record.checksum:
        raise SnapshotDamagedError(
            f"{record.file} has the checksum {found.checksum[:16]}…, the manifest says {record.checksum[:16]}…; "
            "it was altered. Build the snapshot again."
        )
