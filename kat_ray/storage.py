"""Where bytes live: one location type over every pyarrow filesystem (local paths, `s3://`, `gs://`).

A file appears whole or not at all: local files are written beside and renamed, an object store publishes on close.
Query options of a URI (`s3://bucket/key?endpoint_override=...`) stay with every child. Remote URIs are percent-encoded,
names and local paths are not. A URI may hold credentials, so messages show `str(location)`, never the URI.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote

import pyarrow as pa
from pyarrow import fs

from kat_ray.errors import InputError, StorageUnavailableError, first_line

_LARGEST_COPY_BYTES = 4 << 30  # S3 copies at most 5 GiB in one request
_CHUNK_BYTES = 16 << 20
_SHAREABLE_OPTIONS = ("endpoint_override", "region", "scheme")


@dataclass(frozen=True, slots=True, repr=False)
class Location:
    """A file or folder by URI. Picklable: the filesystem is opened anew where it is used.

    Example: Location("s3://bucket/store") / "current"
    """

    uri: str

    def __str__(self) -> str:
        """The URI without credentials and query options, for messages."""
        return self.uri if self.is_local else _without_secrets(self.uri)

    def __repr__(self) -> str:
        return f"Location({str(self)!r})"

    @property
    def shareable(self) -> str:
        """A URI that opens the same place for anyone with credentials of their own: options stay, secrets go."""
        if self.is_local:
            return self.path
        options = [item for item in self.uri.partition("?")[2].split("&") if item.split("=")[0] in _SHAREABLE_OPTIONS]
        return f"{self}?{'&'.join(options)}" if options else str(self)

    def __truediv__(self, name: str) -> Location:
        """The file or folder of this name, as `children` gives it, below this folder."""
        return self._extended(f"/{name}")

    def beside(self, suffix: str) -> Location:
        """In the same folder, the name of this one followed by `suffix`: "store" and ".work" give "store.work".

        Raises:
            InputError: as `sibling`.
        """
        return self.sibling(self.name + suffix)

    def sibling(self, name: str) -> Location:
        """The file or folder of another name in the same folder.

        Raises:
            InputError: this is a whole bucket, which lies in no folder.
        """
        if self.is_local:
            return Location(str(Path(self.path).parent / name))
        if len(self._remote_parts()) < 3:
            raise InputError(f"{self} is a whole bucket, expected a name in it such as s3://bucket/name.")
        base, mark, query = self.uri.partition("?")
        return Location(f"{base.rstrip('/').rpartition('/')[0]}{mark}{query}") / name

    def is_inside(self, other: Location) -> bool:
        """Whether this is the other location or lies below it, by names alone: links and options are not looked at."""
        if self.is_local or other.is_local:
            return self.is_local and other.is_local and Path(self.path).is_relative_to(other.path)
        above = other._remote_parts()
        return self._remote_parts()[: len(above)] == above

    @property
    def is_local(self) -> bool:
        """A path of this machine, which other nodes do not see."""
        return "://" not in self.uri or self.uri.startswith("file://")

    @property
    def name(self) -> str:
        """Last part of the path."""
        return Path(self.path).name if self.is_local else self._remote_parts()[-1]

    @property
    def path(self) -> str:
        """The path inside its filesystem."""
        return self._open()[1]

    def exists(self) -> bool:
        """Whether a file or folder is there."""
        return bool(self.info().type != fs.FileType.NotFound)

    def info(self) -> fs.FileInfo:
        """Type, size and time of change.

        Raises:
            StorageUnavailableError: the filesystem does not answer.
        """
        system, path = self._open()
        try:
            return system.get_file_info(path)
        except OSError as error:
            raise StorageUnavailableError(f"Cannot reach {self}: {first_line(error)}") from error

    def children(self, *, recursive: bool = False) -> list[tuple[str, fs.FileInfo]]:
        """Names below this folder, relative to it, with their info, sorted; empty when there is no such folder."""
        system, path = self._open()
        selector = fs.FileSelector(path, allow_not_found=True, recursive=recursive)
        found = [(item.path[len(path.rstrip("/")) + 1 :], item) for item in system.get_file_info(selector)]
        return sorted(found, key=lambda entry: entry[0])

    def open_input(self) -> pa.NativeFile:
        """The file for random access."""
        system, path = self._open()
        return system.open_input_file(path)

    def read_bytes(self) -> bytes:
        """The whole file."""
        with self.open_input() as stream:
            return bytes(stream.read())

    def write_bytes(self, data: bytes) -> None:
        """Replace the file; readers see the old bytes or the new ones."""
        with self.open_output() as stream:
            stream.write(data)

    @contextmanager
    def open_output(self) -> Iterator[IO[bytes] | pa.NativeFile]:
        """A stream whose file appears only when the block ends without an error."""
        if self.is_local:
            with _local_output(Path(self.path)) as stream:
                yield stream
        else:
            with _remote_output(*self._open()) as remote:
                yield remote

    def delete(self) -> None:
        """Remove the file or the folder with all below it; nothing happens when it is not there."""
        system, path = self._open()
        kind = system.get_file_info(path).type
        if kind == fs.FileType.Directory:
            system.delete_dir(path)
        elif kind == fs.FileType.File:
            system.delete_file(path)

    def move_to(self, target: Location) -> None:
        """Move this file to a location of the same filesystem, replacing what is there."""
        system, path = self._open()
        target_path = target.path
        if self.is_local:
            Path(target_path).parent.mkdir(parents=True, exist_ok=True)
        _move(system, path, target_path)

    def _extended(self, text: str) -> Location:
        """With text, which may hold any characters, at the end of the path."""
        if self.is_local:
            return Location(f"{self.uri.rstrip('/')}{text}")
        base, mark, query = self.uri.partition("?")
        return Location(f"{base.rstrip('/')}{quote(text)}{mark}{query}")

    def _remote_parts(self) -> list[str]:
        """Scheme, bucket and names."""
        scheme, _, rest = self.uri.partition("?")[0].partition("://")
        bucket, _, path = rest.partition("/")
        return [scheme, bucket.rpartition("@")[2], *(unquote(name) for name in path.split("/") if name)]

    def _open(self) -> tuple[fs.FileSystem, str]:
        if self.is_local:
            return fs.LocalFileSystem(), os.path.abspath(self.uri.removeprefix("file://"))
        if "#" in self.uri:
            raise InputError(f"Cannot use the URI {self}: a # in a name is written %23.")
        try:
            system, path = fs.FileSystem.from_uri(self.uri)
        except (OSError, ValueError, pa.ArrowException) as error:
            reason = first_line(error).replace(self.uri, str(self))
            raise InputError(
                f"Cannot use the URI {self}: {reason}; expected a path, s3://bucket/path or gs://bucket/path, "
                "with special characters percent-encoded."
            ) from None  # a traceback would show Arrow's error, which quotes the whole URI
        return system, path


@contextmanager
def _local_output(path: Path) -> Iterator[IO[bytes]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with beside.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _remote_output(system: fs.FileSystem, path: str) -> Iterator[Any]:
    """Closing an object-store stream publishes it, so a failed write leaves a part-file name, never the real one."""
    beside = f"{path}.{uuid.uuid4().hex[:8]}.part"
    try:
        with system.open_output_stream(beside) as stream:
            yield stream
        _move(system, beside, path)
    except BaseException:
        if system.get_file_info(beside).type == fs.FileType.File:
            system.delete_file(beside)
        raise


def _move(system: fs.FileSystem, path: str, target: str) -> None:
    too_large = isinstance(system, fs.S3FileSystem) and system.get_file_info(path).size > _LARGEST_COPY_BYTES
    if too_large:
        _move_by_streaming(system, path, target)
    else:
        system.move(path, target)


def _move_by_streaming(system: fs.FileSystem, path: str, target: str) -> None:
    """For objects that a store refuses to copy in one request."""
    try:
        with system.open_input_stream(path) as source, system.open_output_stream(target) as copy:
            while chunk := source.read(_CHUNK_BYTES):
                copy.write(chunk)
    except BaseException:
        if system.get_file_info(target).type == fs.FileType.File:
            system.delete_file(target)
        raise
    system.delete_file(path)


def _without_secrets(uri: str) -> str:
    """Up to the query and without what stands before the bucket; a secret may be badly encoded, and cut anywhere."""
    scheme, _, rest = uri.partition("?")[0].partition("://")
    bucket = rest.partition("/")[0]
    if "@" in bucket or (":" in bucket and "@" in rest):
        rest = rest.rpartition("@")[2]
    elif not re.fullmatch(r"[^:]*(:\d+)?", bucket):
        rest = "…"
    return f"{scheme}://{rest}"
