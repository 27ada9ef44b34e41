"""What a manifest says of one column file, and how a file is measured. Knows nothing of snapshots."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import parquet as pq

from kat_ray.errors import SnapshotDamagedError
from kat_ray.snapshot.columns import read_npy_header
from kat_ray.storage import Location

SNAPSHOT_ID = re.compile(r"[0-9a-f]{16}")
"""The form of every snapshot id."""
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]*\.(npy|parquet|json)")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ColumnRecord:
    """One file: `checksum` is BLAKE2b with 32 bytes, in hex; dtype is numpy's string, or "table", or "json".

    `owner` is the id of the snapshot in whose folder the file lies, when that is another one of the same store.
    """

    name: str
    file: str
    bytes: int
    checksum: str
    rows: int
    dtype: str
    shape: tuple[int, ...]
    owner: str | None = None


def record_column(name: str, location: Location) -> ColumnRecord:
    """Measure a column file: size, checksum, rows, dtype and shape. Reads the file once.

    Raises:
        SnapshotDamagedError: the file is missing or not of its kind.
    """
    try:
        size, checksum = _measure(location)
        rows, dtype, shape = _describe(location)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise SnapshotDamagedError(f"{location} is missing or cannot be read: {error}") from error
    return ColumnRecord(name, location.name, size, checksum, rows, dtype, shape)


def check_record(record: ColumnRecord) -> None:
    """Refuse a record of a `manifest.json` that no file can have, or that leads out of the store.

    Raises:
        SnapshotDamagedError: naming what was got and what was expected.
    """
    where = f"manifest.json: column {record.name[:40]!r}"
    if not _FILE_NAME.fullmatch(record.file):
        raise SnapshotDamagedError(f"{where} names the file {record.file[:80]!r}, expected a plain name in the folder.")
    if record.owner is not None and not SNAPSHOT_ID.fullmatch(record.owner):
        raise SnapshotDamagedError(f"{where} belongs to {record.owner[:80]!r}, expected a snapshot id.")
    if not _CHECKSUM.fullmatch(record.checksum):
        raise SnapshotDamagedError(f"{where} has the checksum {record.checksum[:80]!r}, expected 64 hex digits.")
    if min(record.bytes, record.rows, *record.shape) < 0 or (record.shape and record.shape[0] != record.rows):
        raise SnapshotDamagedError(f"{where} has {record.rows} rows, {record.bytes} bytes, shape {record.shape}.")


def _measure(location: Location) -> tuple[int, str]:
    digest, size = hashlib.blake2b(digest_size=32), 0
    with location.open_input() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _describe(location: Location) -> tuple[int, str, tuple[int, ...]]:
    if location.name.endswith(".npy"):
        header = read_npy_header(location)
        return header.shape[0], header.dtype.str, header.shape
    if location.name.endswith(".parquet"):
        with location.open_input() as stream:
            return pq.read_metadata(stream).num_rows, "table", ()
    return len(json.loads(location.read_bytes())), "json", ()
