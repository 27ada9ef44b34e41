"""Lines of a JSONL or gzip split, in bounded memory whatever the bytes are.

Knows bytes, line ends and compression; knows nothing of JSON or pairs.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator

import pyarrow as pa

from kat_ray.errors import RowError
from kat_ray.pairs.splits import Split
from kat_ray.storage import Location

MAX_LINE_BYTES = 8 << 20
"""A longer line is one reject and is never held."""

_BLOCK_BYTES = 1 << 20
_MAX_RATIO = 200
_MAX_EXPANDED_BYTES = 512 << 20
_MAX_EXPANDED_BYTES_WITHOUT_ROWS = 8 << 20
_UNREAD = "; the rest of the file was not read"
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class LineReader:
    """Iterates over (number, line) of a split, numbers from 1 inside the split, blank lines counted but left out.

    A line is bytes without its line feed, or a string: the reason why it, or the rest of the file, cannot be read.
    After the iteration `num_lines` is the number of physical lines.

    A gzip file that expands more than 200 times is an expansion bomb, and reading stops: after 512 MiB, or after 8 MiB
    as long as the caller has not set `has_rows`. Text of real pairs expands 3 to 10 times.
    """

    def __init__(self, split: Split) -> None:
        self.num_lines = 0
        self.has_rows = False
        self._split = split

    def __iter__(self) -> Iterator[tuple[int, bytes | str]]:
        self.num_lines = 0
        try:
            with Location(self._split.uri).open_input() as stream:
                yield from self._lines(self._blocks(stream))
        except _UnreadableError as error:
            self.num_lines += 1
            yield self.num_lines, str(error)

    def _blocks(self, stream: pa.NativeFile) -> Iterator[bytes]:
        blocks = self._gzip_blocks(stream) if self._split.format == "gzip" else _range_blocks(stream, self._split)
        if self._split.start:
            yield from blocks
            return
        first = next(blocks, b"")
        if first.startswith(_UTF_16):
            raise _UnreadableError(f"the file is UTF-16, expected UTF-8{_UNREAD}")
        yield first.removeprefix(_BOM)
        yield from blocks

    def _lines(self, blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes | str]]:
        held = _HeldLine()
        for block in blocks:
            head, line_feed, rest = block.partition(b"\n")
            held.add(head)
            if not line_feed:
                continue
            yield from self._number(held.take())
            body, line_feed, tail = rest.rpartition(b"\n")
            if line_feed and (not body or body.isspace()):
                self.num_lines += body.count(b"\n") + 1
            elif line_feed:
                for line in body.split(b"\n"):
                    yield from self._number(line)
            held.add(tail)
        if held.size:
            yield from self._number(held.take())

    def _number(self, line: bytes | str) -> Iterator[tuple[int, bytes | str]]:
        self.num_lines += 1
        if line and not line.isspace():
            yield self.num_lines, line

    def _gzip_blocks(self, stream: pa.NativeFile) -> Iterator[bytes]:
        expanded = 0
        compressed = io.BufferedReader(stream, _BLOCK_BYTES)
        unzipped = gzip.GzipFile(fileobj=compressed)
        try:
            while block := unzipped.read(_BLOCK_BYTES):
                yield block
                expanded += len(block)
                limit = _MAX_EXPANDED_BYTES if self.has_rows else _MAX_EXPANDED_BYTES_WITHOUT_ROWS
                if expanded > limit and expanded > _MAX_RATIO * compressed.tell():
                    raise _UnreadableError(f"the gzip data expand more than {_MAX_RATIO} times{_UNREAD}")
        except EOFError:
            raise _UnreadableError("the gzip data end early; the last line is lost") from None
        except (gzip.BadGzipFile, zlib.error):
            raise _UnreadableError(f"the gzip data are damaged{_UNREAD}") from None


class _UnreadableError(RowError):
    """The rest of a file cannot be read."""


class _HeldLine:
    """The pieces of a line that goes over block borders, dropped when it grows too long."""

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > MAX_LINE_BYTES:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def take(self) -> bytes | str:
        line = b"".join(self._pieces)
        too_long = self.size > MAX_LINE_BYTES
        self._pieces, self.size = [], 0
        return f"the line is longer than {MAX_LINE_BYTES >> 20} MiB" if too_long else line


def _range_blocks(stream: pa.NativeFile, split: Split) -> Iterator[bytes]:
    """Bytes of the lines that begin in the split: from the first line start on, and past its stop to the line's end."""
    start = _first_line_start(stream, split) if split.start else 0
    stream.seek(start)
    last = b"\n"
    while start < split.stop and (block := stream.read(min(_BLOCK_BYTES, split.stop - start))):
        start += len(block)
        last = bytes(block[-1:])
        yield block
    while last != b"\n" and (block := stream.read(_BLOCK_BYTES)):
        head, last, _ = block.partition(b"\n")
        yield head + last


def _first_line_start(stream: pa.NativeFile, split: Split) -> int:
    """Offset of the first line that begins at or after the split's start; its stop when there is none."""
    offset = split.start - 1
    stream.seek(offset)
    while offset < split.stop and (block := stream.read(_BLOCK_BYTES)):
        before, line_feed, _ = block.partition(b"\n")
        offset += len(before) + len(line_feed)
        if line_feed:
            return min(offset, split.stop)
    return split.stop
