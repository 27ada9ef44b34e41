"""Reads one split: every row becomes a pair or the reason why not.

Knows which decoder a format needs; the forms of rows stand in rows.py. No row is ever fatal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import orjson

from kat_ray.errors import RowError
from kat_ray.pairs.lines import LineReader
from kat_ray.pairs.rows import parse_row
from kat_ray.pairs.splits import Split
from kat_ray.pairs.tables import TableReader
from kat_ray.records import Pair


class SplitReader:
    """Iterates over (line, pair or reason) of a split; lines count from 1 inside the split, blank ones included.

    After the iteration `num_lines` is the number of physical lines (rows of Parquet), so that the true number of a
    line is its number here plus the lines of the earlier splits of its file. Holds a few MiB, whatever the file is.

    Example: [outcome for line, outcome in SplitReader(split, "pairs")]
    """

    def __init__(self, split: Split, default_source: str) -> None:
        self._split = split
        self._default_source = default_source
        self._reader: LineReader | TableReader = TableReader(split) if split.format == "parquet" else LineReader(split)

    @property
    def num_lines(self) -> int:
        """Physical lines of the split; complete after the iteration."""
        return self._reader.num_lines

    def __iter__(self) -> Iterator[tuple[int, Pair | str]]:
        if isinstance(self._reader, LineReader):
            yield from self._parse_lines(self._reader)
        else:
            yield from self._parse_table(self._reader)

    def _parse_lines(self, lines: LineReader) -> Iterator[tuple[int, Pair | str]]:
        for number, line in lines:
            if isinstance(line, str):
                yield number, line
                continue
            try:
                pair = parse_row(orjson.loads(line), self._default_source)
            except orjson.JSONDecodeError as error:
                yield number, json_reason(error)
            except RowError as error:
                yield number, str(error)
            else:
                lines.has_rows = True
                yield number, pair

    def _parse_table(self, table: TableReader) -> Iterator[tuple[int, Pair | str]]:
        for number, row in table:
            if isinstance(row, str):
                yield number, row
                continue
            try:
                yield number, parse_row(row, self._default_source)
            except RowError as error:
                yield number, str(error)


def commonest(reasons: Mapping[str, int]) -> str:
    """The five commonest reasons of refused rows with their counts, as a sentence has them; no text of the rows."""
    shown = Counter(reasons).most_common(5)
    return "; ".join(f"{count:,} x {reason}" for reason, count in shown)


def json_reason(error: orjson.JSONDecodeError) -> str:
    """The decoder's message without its position, so that equal faults count together."""
    if "UTF-8" in error.msg:
        return "not valid UTF-8"
    if "surrogate" in error.msg:
        return "a lone surrogate, which is no Unicode text"
    return f"not valid JSON: {error.msg}"
