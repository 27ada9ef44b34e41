"""Unique prompts as the seeds list them: prompts, prefixes, their id maps and four lines of statistics.

Knows nothing of snapshots: any tables with the columns of `columns.PROMPTS_SCHEMA` will do. All texts are UTF-8.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pyarrow as pa

from kat_ray.records import Message, first_user_text, normalize_whitespace
from kat_ray.storage import Location

_COLUMNS = ["id", "messages", "source", "sources", "num_pairs"]


class _Lines(NamedTuple):
    """The line of one prompt in each file, in the order of `_FILES`."""

    prompt: str
    prefix: str
    prompt_map: str
    prefix_map: str


_FILES = _Lines("prompts_all.jsonl", "prefixes_all.jsonl", "prompt_id_map.tsv", "prefix_id_map.tsv")


def write_prompt_files(prompts: Iterable[pa.Table], out: Location) -> list[str]:
    """Write the prompt files in the order of the tables, in one pass, and return their names.

    prompts_all.jsonl {id, prompt}; prefixes_all.jsonl {id, prefix, src, srcs, n_pairs}; the two maps, id and
    whitespace-normalized first user message with a tab between; stats.txt with total_pairs, unique_prompts,
    dedup_ratio (unique prompts over pairs, in percent) and source_breakdown (pairs of each source).
    """
    sources: Counter[str] = Counter()
    num_prompts = 0
    with ExitStack() as stack:
        streams = [stack.enter_context((out / name).open_output()) for name in _FILES]
        for table in prompts:
            lines = [_lines(row) for row in _rows(table, sources)]
            num_prompts += len(lines)
            for stream, column in zip(streams, zip(*lines, strict=True), strict=False):
                stream.write("".join(column).encode())
    (out / "stats.txt").write_bytes(_statistics(num_prompts, sources).encode())
    return [*_FILES, "stats.txt"]


def _rows(table: pa.Table, sources: Counter[str]) -> Iterator[dict[str, Any]]:
    for row in table.select(_COLUMNS).to_pylist():
        row["sources"] = {entry["source"]: entry["count"] for entry in row["sources"]}
        sources.update(row["sources"])
        yield row


def _lines(row: dict[str, Any]) -> _Lines:
    prompt = first_user_text([Message(**message) for message in row["messages"]])
    prefix = {
        "id": row["id"],
        "prefix": {"messages": row["messages"]},
        "src": row["source"],
        "srcs": row["sources"],
        "n_pairs": row["num_pairs"],
    }
    mapped = f"{row['id']}\t{normalize_whitespace(prompt)}\n"
    return _Lines(_json({"id": row["id"], "prompt": prompt}) + "\n", _json(prefix) + "\n", mapped, mapped)


def _statistics(num_prompts: int, sources: Counter[str]) -> str:
    num_pairs = sources.total()
    ratio = 100 * num_prompts / num_pairs if num_pairs else 0.0
    return (
        f"total_pairs: {num_pairs}\nunique_prompts: {num_prompts}\ndedup_ratio: {ratio:.2f}%\n"
        f"source_breakdown: {_json(dict(sources))}\n"
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
