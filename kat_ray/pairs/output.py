"""Writes lines of JSONL, plain or gzipped by name, as a file that appears whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from kat_ray.storage import Location


@contextmanager
def open_jsonl(location: Location) -> Iterator[IO[bytes] | Any]:
    """A binary stream; a name that ends in .gz is compressed, with no time or name inside: equal rows, equal bytes."""
    with location.open_output() as stream:
        if not location.name.endswith(".gz"):
            yield stream
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0) as zipped:
            yield zipped
