"""Snapshots that are another one's with some columns changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from kat_ray.records import prompt_id
from kat_ray.snapshot import columns
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.manifest import COLUMN_FILES, snapshot_id
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

Changes = Mapping[str, Sequence[Any]]


def publish_changed(
    store: Store, plain: Snapshot, folder: Path, input_hash: str, prompts: Changes, pairs: Changes, terms: list[Any]
) -> str:
    """Publish a snapshot with these columns of prompts and pairs in the place of its own, and these words of
    clusters."""
    work = Location(str(folder))
    for record in plain.manifest.columns:
        (work / record.file).write_bytes((plain.folder_of(record.name) / record.file).read_bytes())
    _replace(work, "prompts", plain.prompts(), prompts)
    _replace(work, "pairs", plain.pairs(), pairs)
    (work / COLUMN_FILES["cluster_terms"]).write_bytes(json.dumps(terms).encode())
    records = tuple(record_column(record.name, work / record.file) for record in plain.manifest.columns)
    parameters = {**plain.manifest.parameters, "input_hash": input_hash}
    manifest = replace(
        plain.manifest,
        snapshot_id=snapshot_id(parameters),
        parameters=parameters,
        columns=records,
        input_hash=input_hash,
    )
    return store.publish(work, manifest).snapshot_id


def publish_newer(store: Store, plain: Snapshot, folder: Path, num_new: int) -> str:
    """Publish a snapshot whose last prompts are others; the current snapshot stays the same."""
    texts = plain.prompts()["text"].to_pylist()
    kept = len(texts) - num_new
    texts[kept:] = [f"What else is worth a walk, and why is it number {number}?" for number in range(num_new)]
    ids = [str(prompt_id(text)) for text in texts]
    messages = [[{"role": "user", "content": text}] for text in texts]
    prompts = {"id": ids, "text": texts, "messages": messages}
    pairs = {"prompt_id": ids, "messages": messages}
    newer = publish_changed(store, plain, folder, "ee" * 16, prompts, pairs, plain.cluster_table)
    store.set_current(plain.snapshot_id)
    return newer


def _replace(work: Location, name: str, table: pa.Table, changes: Changes) -> None:
    schema = getattr(columns, f"{name.upper()}_SCHEMA")
    for column, values in changes.items():
        place = table.column_names.index(column)
        table = table.set_column(place, table.schema.field(column), pa.array(values, table.schema.field(column).type))
    columns.write_parquet(work / COLUMN_FILES[name], schema, [table])
