"""One split of the input as files: its rows as a table, 41 bytes of keys a row, its rejects, its record.

Knows how a parsed row is stored on the way to the columns; knows nothing of Ray or of other splits.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.pairs.keys import pair_key, prompt_key
from kat_ray.pairs.reader import SplitReader
from kat_ray.pairs.splits import Split
from kat_ray.records import DedupeBy, Pair, TextRendering, conversation_id, render_text
from kat_ray.snapshot.columns import PAIRS_SCHEMA, PROMPTS_SCHEMA, REJECTS_SCHEMA, write_parquet
from kat_ray.storage import Location

READ_ROWS = 4096
KEY_DTYPE = np.dtype(
    [("prompt", "<u8"), ("pair", "<u8", 2), ("source", "<i4"), ("complete", "?"), ("line", "<i8")], align=False
)
KEY_BYTES = KEY_DTYPE.itemsize
ROWS_SCHEMA = pa.schema(
    [
        PAIRS_SCHEMA.field("messages"),
        PAIRS_SCHEMA.field("chosen"),
        PAIRS_SCHEMA.field("rejected"),
        PAIRS_SCHEMA.field("source"),
        PAIRS_SCHEMA.field("prompt_id"),
        PAIRS_SCHEMA.field("conversation_id"),
        PROMPTS_SCHEMA.field("text"),
    ]
)


@dataclass(frozen=True, slots=True)
class PromptsConfig:
    """What decides prompts and pairs, besides the files."""

    text: TextRendering = "first_user"
    dedupe_by: DedupeBy = "first_user"
    max_prompts: int | None = None
    source: str = "unknown"


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """What one read split leaves behind, written last: its presence means that its files are complete."""

    index: int
    uri: str
    num_lines: int
    num_rows: int
    num_rejected: int
    sources: list[str]


class SplitParser:
    """Turns the rows of one split into tables, keys and rejects, READ_ROWS at a time."""

    def __init__(self, index: int, split: Split, config: PromptsConfig) -> None:
        self._index, self._split, self._config = index, split, config
        self._reader = SplitReader(split, default_source=config.source)
        self._sources: dict[str, int] = {}
        self._prompts: set[int] = set()
        self._keys: list[NDArray[Any]] = []
        self._rejects = _Rejects()

    def write(self, folder: Location, name: str) -> SplitRecord:
        """Write <name>.parquet, <name>.npy and <name>.rejects.parquet into the folder."""
        write_parquet(folder / f"{name}.parquet", ROWS_SCHEMA, self._tables())
        keys = np.concatenate([np.empty(0, KEY_DTYPE), *self._keys])
        (folder / f"{name}.npy").write_bytes(_npy_bytes(keys))
        rejects = self._rejects.table()
        write_parquet(folder / f"{name}.rejects.parquet", rejects.schema, iter([rejects]))
        return SplitRecord(
            index=self._index,
            uri=self._split.uri,
            num_lines=self._reader.num_lines,
            num_rows=len(keys),
            num_rejected=rejects.num_rows,
            sources=list(self._sources),
        )

    def _tables(self) -> Iterator[pa.Table]:
        pending: list[tuple[int, Pair]] = []
        for line, outcome in self._reader:
            if isinstance(outcome, str):
                self._rejects.add(line, outcome)
                continue
            pending.append((line, outcome))
            if len(pending) == READ_ROWS:
                yield self._table(pending)
                pending = []
                if self._config.max_prompts is not None and len(self._prompts) > self._config.max_prompts:
                    return
        yield self._table(pending)

    def _table(self, rows: list[tuple[int, Pair]]) -> pa.Table:
        pairs = [pair for _, pair in rows]
        prompts = [prompt_key(pair, self._config.dedupe_by) for pair in pairs]
        self._keys.append(self._key_rows(rows, prompts))
        columns = {
            "messages": [pair.messages for pair in pairs],
            "chosen": [pair.chosen for pair in pairs],
            "rejected": [pair.rejected for pair in pairs],
            "source": [pair.source for pair in pairs],
            "prompt_id": [f"{key:016x}" for key in prompts],
            "conversation_id": [conversation_id(pair.messages) for pair in pairs],
            "text": [render_text(pair.messages, self._config.text) for pair in pairs],
        }
        return pa.table(columns, schema=ROWS_SCHEMA)

    def _key_rows(self, rows: list[tuple[int, Pair]], prompts: list[int]) -> NDArray[Any]:
        keys = np.zeros(len(rows), KEY_DTYPE)
        keys["line"] = [line for line, _ in rows]
        keys["prompt"] = prompts
        keys["source"] = [self._sources.setdefault(pair.source, len(self._sources)) for _, pair in rows]
        keys["complete"] = [pair.is_complete for _, pair in rows]
        digests = b"".join(pair_key(pair) for _, pair in rows)
        keys["pair"] = np.frombuffer(digests, "<u8").reshape(-1, 2)
        if self._config.max_prompts is not None:
            self._prompts.update(prompts)
        return keys


class _Rejects:
    """Lines and reasons, 12 bytes each: a hostile file can hold millions."""

    def __init__(self) -> None:
        self._lines, self._codes, self._reasons = array("q"), array("i"), dict[str, int]()

    def add(self, line: int, reason: str) -> None:
        """Keep one refused line."""
        self._lines.append(line)
        self._codes.append(self._reasons.setdefault(reason, len(self._reasons)))

    def table(self) -> pa.Table:
        """Columns line and reason."""
        codes = pa.array(np.frombuffer(self._codes, np.int32), pa.int32())
        reasons = pa.DictionaryArray.from_arrays(codes, pa.array(list(self._reasons), pa.string()))
        columns = {"line": pa.array(np.frombuffer(self._lines, np.int64)), "reason": reasons.cast(pa.string())}
        return pa.table(columns, schema=pa.schema([REJECTS_SCHEMA.field("line"), REJECTS_SCHEMA.field("reason")]))


def _npy_bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
