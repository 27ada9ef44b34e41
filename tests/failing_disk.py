"""A storage whose reads fail after the first ones, as a network or disk does."""

from __future__ import annotations

import pyarrow as pa


class FailingDisk:
    """A stream that reads so many times and then never again."""

    def __init__(self, stream: pa.NativeFile, good_reads: int) -> None:
        self._stream = stream
        self._good_reads = good_reads

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def __enter__(self) -> FailingDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, num_bytes: int | None = None) -> bytes:
        if self._good_reads == 0:
            raise OSError("connection reset by peer")
        self._good_reads -= 1
        return self._stream.read(num_bytes)
