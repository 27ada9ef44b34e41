"""Rows of any input file as texts to embed, one row each, in input order: nothing is collapsed.

For texts that are placed among the prompts of a snapshot, where a thousand equal outputs are a finding.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from kat_ray.errors import EmptyCorpusError
from kat_ray.pairs.reader import SplitReader, commonest
from kat_ray.pairs.splits import plan_splits
from kat_ray.records import Pair, TextRendering, first_user_text, prompt_id, render_text
from kat_ray.snapshot.columns import write_parquet
from kat_ray.storage import Location

BATCH_ROWS = 4096
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("text_hash", pa.binary(16), nullable=False),
    ]
)


def read_texts(inputs: Sequence[str], table: Location, rendering: TextRendering) -> tuple[int, Counter[str]]:
    """Write id, text, source and text_hash of every valid row into one table; returns their number and why others not.

    Runs on a worker; memory holds BATCH_ROWS rows.

    Raises:
        InputError: an input that is missing or empty.
        EmptyCorpusError: no row is valid.
    """
    refused: Counter[str] = Counter()

    def pairs() -> Iterator[Pair]:
        for split in plan_splits(list(inputs)):
            for _, outcome in SplitReader(split, default_source="unknown"):
                if isinstance(outcome, str):
                    refused[outcome] += 1
                else:
                    yield outcome

    num_rows = write_parquet(table, _SCHEMA, _tables(pairs(), rendering))
    if not num_rows:
        raise EmptyCorpusError(
            f"None of the {refused.total():,} rows of {', '.join(inputs)} is valid: {commonest(refused)}."
        )
    return num_rows, refused


def _tables(pairs: Iterator[Pair], rendering: TextRendering) -> Iterator[pa.Table]:
    batch: list[Pair] = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) == BATCH_ROWS:
            yield _table(batch, rendering)
            batch = []
    if batch:
        yield _table(batch, rendering)


def _table(pairs: list[Pair], rendering: TextRendering) -> pa.Table:
    texts = [render_text(pair.messages, rendering) for pair in pairs]
    columns = {
        "id": [prompt_id(first_user_text(pair.messages)) or "" for pair in pairs],
        "text": texts,
        "source": [pair.source for pair in pairs],
        "text_hash": [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts],
    }
    return pa.table(columns, schema=_SCHEMA)
