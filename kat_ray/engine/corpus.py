"""All read splits of an input in order: keys in memory, text streamed into the prompt, pair and reject columns.

Text is never sorted or shuffled: splits are in input order, so masks over rows give the order of first appearance.
Knows nothing of Ray or of row formats.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kat_ray.engine.split_rows import KEY_DTYPE, SplitRecord
from kat_ray.pairs.linking import Links
from kat_ray.snapshot.columns import PAIRS_SCHEMA, PROMPTS_SCHEMA, REJECTS_SCHEMA, read_table, write_parquet
from kat_ray.storage import Location


@dataclass(slots=True)
class RejectCounts:
    """How many rows were refused, why, and where the first one stands."""

    total: int
    reasons: dict[str, int]
    first: str

    def add(self, rejects: pa.Table) -> None:
        """Count one table of rejects."""
        if rejects.num_rows and not self.first:
            self.first = f"{rejects['file'][0]} line {rejects['line'][0]}"
        self.total += rejects.num_rows
        for entry in rejects["reason"].value_counts().to_pylist():
            self.reasons[entry["values"]] = self.reasons.get(entry["values"], 0) + entry["counts"]


class Corpus:
    """All splits of an input in order: keys in memory, text streamed from the split files."""

    def __init__(self, work: Location, records: list[SplitRecord], keys: NDArray[Any], sources: list[str]) -> None:
        self.keys = keys
        self.num_bare_prompts = 0
        self._work, self._records, self._sources = work, records, sources

    @classmethod
    def load(cls, work: Location, records: list[SplitRecord]) -> Corpus:
        """Concatenate the keys, with source codes renumbered over the whole corpus."""
        codes: dict[str, int] = {}
        parts = [np.empty(0, KEY_DTYPE)]
        for record in records:
            keys = np.load(io.BytesIO((work / f"rows/{record.index:05d}.npy").read_bytes()), allow_pickle=False)
            renumbered = np.array([codes.setdefault(name, len(codes)) for name in record.sources], np.int32)
            if len(keys):
                keys["source"] = renumbered[keys["source"]]
            parts.append(keys)
        return cls(work, records, np.concatenate(parts), list(codes))

    def input_hash(self, is_pair: NDArray[np.bool_]) -> str:
        """Over the accepted pairs and their sources in order, so that shards and file names do not matter."""
        names = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in self._sources]
        table = np.frombuffer(b"".join(names), "<u8")
        keys = self.keys[: len(is_pair)][is_pair]
        rows = np.column_stack([keys["prompt"], keys["pair"], table[keys["source"]]])
        return hashlib.blake2b(np.ascontiguousarray(rows, "<u8").tobytes(), digest_size=16).hexdigest()

    def count_sources(self, is_pair: NDArray[np.bool_]) -> dict[str, int]:
        """Accepted pairs by source, in order of first appearance."""
        counts = np.bincount(self.keys["source"][: len(is_pair)][is_pair], minlength=len(self._sources))
        return {name: int(count) for name, count in zip(self._sources, counts, strict=True) if count}

    def write_rejects(self, num_rows: int) -> RejectCounts:
        """Rejects with true line numbers, up to the last row that is used."""
        counts = RejectCounts(0, {}, "")
        write_parquet(self._work / "rejects.parquet", REJECTS_SCHEMA, self._reject_tables(num_rows, counts))
        return counts

    def _reject_tables(self, num_rows: int, counts: RejectCounts) -> Iterator[pa.Table]:
        first_row, lines_before, uri = 0, 0, ""
        names = _short_names([record.uri for record in self._records])
        for record in self._records:
            lines_before = lines_before if record.uri == uri else 0
            uri = record.uri
            table = read_table(self._work / f"rows/{record.index:05d}.rejects.parquet")
            lines = table["line"].to_numpy()
            kept = lines < self._last_line(record, first_row, num_rows)
            columns = {
                "file": [names[uri]] * int(kept.sum()),
                "line": lines[kept] + lines_before,
                "reason": table["reason"].filter(pa.array(kept)),
            }
            rejects = pa.table(columns, schema=REJECTS_SCHEMA)
            counts.add(rejects)
            yield rejects
            first_row += record.num_rows
            lines_before += record.num_lines

    def _last_line(self, record: SplitRecord, first_row: int, num_rows: int) -> float:
        """Lines of the split below this one belong to the used part of the input."""
        if num_rows >= len(self.keys) or first_row + record.num_rows <= num_rows:
            return float("inf")
        return float(self.keys["line"][num_rows]) if first_row <= num_rows else -1.0

    def write_prompts(self, links: Links) -> None:
        """One row a prompt: its first appearance, how often it came and from where."""
        names = np.array(self._sources, object)
        done = 0

        def tables() -> Iterator[pa.Table]:
            nonlocal done
            for rows, _ in self._rows(links.is_prompt, links.num_rows):
                prompts = slice(done, done + rows.num_rows)
                done += rows.num_rows
                offsets = links.sources.offsets[prompts.start : prompts.stop + 1]
                entries = slice(int(offsets[0]), int(offsets[-1]))
                structs = pa.StructArray.from_arrays(
                    [
                        pa.array(names[links.sources.codes[entries]], pa.string()),
                        pa.array(links.sources.counts[entries], pa.int32()),
                    ],
                    fields=list(PROMPTS_SCHEMA.field("sources").type.value_type),
                )
                hashes = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in rows["text"].to_pylist()]
                yield pa.table(
                    {
                        "id": rows["prompt_id"],
                        "text": rows["text"],
                        "messages": rows["messages"],
                        "source": rows["source"],
                        "sources": pa.ListArray.from_arrays(pa.array(offsets - offsets[0], pa.int32()), structs),
                        "num_pairs": pa.array(links.num_pairs[prompts], pa.int32()),
                        "num_complete_pairs": pa.array(links.num_complete_pairs[prompts], pa.int32()),
                        "conversation_id": rows["conversation_id"],
                        "text_hash": pa.array(hashes, pa.binary(16)),
                    },
                    schema=PROMPTS_SCHEMA,
                )

        write_parquet(self._work / "prompts.parquet", PROMPTS_SCHEMA, tables())

    def write_pairs(self, links: Links) -> None:
        """One row an accepted pair, in input order, with the row of its prompt."""

        def tables() -> Iterator[pa.Table]:
            for rows, numbers in self._rows(links.is_pair, links.num_rows):
                replies = rows["chosen"].is_valid().to_numpy() | rows["rejected"].is_valid().to_numpy()
                self.num_bare_prompts += int((~replies).sum())
                yield pa.table(
                    {
                        "prompt_id": rows["prompt_id"],
                        "prompt_row": pa.array(links.prompt_rows[numbers], pa.int64()),
                        "conversation_id": rows["conversation_id"],
                        "messages": rows["messages"],
                        "chosen": rows["chosen"],
                        "rejected": rows["rejected"],
                        "source": rows["source"],
                    },
                    schema=PAIRS_SCHEMA,
                )

        write_parquet(self._work / "pairs.parquet", PAIRS_SCHEMA, tables())

    def _rows(self, mask: NDArray[np.bool_], num_rows: int) -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:
        """The masked rows of all splits in order, one row group at a time, with their row numbers."""
        first = 0
        for record in self._records:
            with (self._work / f"rows/{record.index:05d}.parquet").open_input() as stream:
                file = pq.ParquetFile(stream)
                for group in range(file.num_row_groups):
                    stop = min(first + file.metadata.row_group(group).num_rows, num_rows)
                    if stop <= first:
                        return
                    numbers = first + np.flatnonzero(mask[first:stop])
                    if len(numbers):
                        yield file.read_row_group(group).take(pa.array(numbers - first)), numbers
                    first += file.metadata.row_group(group).num_rows


def _short_names(uris: list[str]) -> dict[str, str]:
    """Each URI below the folder that all share, so that files of one name in two folders stay apart."""
    paths = {uri: Location(uri).path for uri in uris}
    shared = posixpath.commonpath([posixpath.dirname(path) for path in paths.values()]) if paths else ""
    return {uri: posixpath.relpath(path, shared) if shared else path for uri, path in paths.items()}
