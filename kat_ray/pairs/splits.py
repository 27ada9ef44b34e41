"""Cuts input files into splits that workers can read apart.

Knows names, magic bytes and sizes; reads no rows. JSONL is cut by bytes, Parquet by row groups, gzip not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
from pyarrow import fs
from pyarrow import parquet as pq

from kat_ray.errors import InputError
from kat_ray.pairs.guarded import GuardedFile
from kat_ray.storage import Location

Format = Literal["jsonl", "gzip", "parquet"]

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz", ".parquet", ".pq")
_FOREIGN = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}


@dataclass(frozen=True, slots=True)
class Split:
    """A part of one file: bytes [start, stop) of JSONL or gzip, row groups [start, stop) of Parquet.

    A line belongs to the split in which its first byte lies. Splits of a file follow each other without gaps.
    """

    uri: str
    format: Format
    start: int
    stop: int


def plan_splits(uris: Sequence[str], *, split_bytes: int = 64 << 20) -> list[Split]:
    """Splits of about `split_bytes` for files and folders, in the order given; folders by name, recursively.

    Inside folders only names that end like JSONL, gzipped JSONL or Parquet count, and none that begins with "." or "_".
    An empty file has no splits. A Parquet file whose footer cannot be read is one split, so that its reader reports it.

    Raises:
        InputError: for a missing path, a folder without such files, a foreign compression, or when all files are empty.
    """
    files = find_files(uris)
    splits = [split for location, size in files if size for split in _file_splits(location, size, split_bytes)]
    if not splits:
        named = ", ".join(str(Location(uri)) for uri in uris) or "an empty list of files"
        raise InputError(f"Nothing to read in {named}: expected rows of pairs.")
    return splits


def find_files(uris: Sequence[str]) -> list[tuple[Location, int]]:
    """The files that the URIs name, or that lie in the folders that they name, in reading order, with their bytes.

    Raises:
        InputError: for a missing path, or a folder without files of pairs.
    """
    return [file for uri in uris for file in _files(Location(uri))]


def _files(location: Location) -> Iterator[tuple[Location, int]]:
    info = location.info()
    if info.type == fs.FileType.NotFound:
        raise InputError(
            f"{location} does not exist; expected a JSONL, JSONL.gz or Parquet file, or a folder. "
            "Public pairs come with python -m jobs.download_pairs."
        )
    if info.type == fs.FileType.File:
        yield location, info.size or 0
        return
    found = [(name, child.size or 0) for name, child in location.children(recursive=True) if _is_input(name, child)]
    if not found:
        raise InputError(f"The folder {location} holds no {', '.join(_SUFFIXES)} files.")
    for name, size in found:
        yield location / name, size


def _is_input(name: str, info: fs.FileInfo) -> bool:
    hidden = any(part.startswith((".", "_")) for part in name.split("/"))
    return info.type == fs.FileType.File and not hidden and name.lower().endswith(_SUFFIXES)


def _file_splits(location: Location, size: int, split_bytes: int) -> Iterator[Split]:
    file_format = _format(location)
    if file_format == "parquet":
        yield from _parquet_splits(location, split_bytes)
    elif file_format == "gzip":
        yield Split(location.uri, "gzip", 0, size)
    else:
        for start in range(0, size, split_bytes):
            yield Split(location.uri, "jsonl", start, min(start + split_bytes, size))


def _format(location: Location) -> Format:
    """By magic bytes, which no JSON line can begin with; a name alone may lie, but tells damaged files apart."""
    with location.open_input() as stream:
        magic = bytes(stream.read(6))
    for foreign, name in _FOREIGN.items():
        if magic.startswith(foreign):
            raise InputError(f"{location} is {name}-compressed, expected plain, gzip or Parquet; decompress it first.")
    lower = location.name.lower()
    if magic.startswith(b"\x1f\x8b") or lower.endswith(".gz"):
        return "gzip"
    return "parquet" if magic.startswith(b"PAR1") or lower.endswith((".parquet", ".pq")) else "jsonl"


def _parquet_splits(location: Location, split_bytes: int) -> Iterator[Split]:
    try:
        with location.open_input() as stream:
            metadata = pq.ParquetFile(GuardedFile(stream, location)).metadata
    except (pa.ArrowException, OSError):
        yield Split(location.uri, "parquet", 0, 1)
        return
    start = size = 0
    for group in range(metadata.num_row_groups):
        size += metadata.row_group(group).total_byte_size
        if size >= split_bytes:
            yield Split(location.uri, "parquet", start, group + 1)
            start, size = group + 1, 0
    if start < metadata.num_row_groups:
        yield Split(location.uri, "parquet", start, metadata.num_row_groups)
