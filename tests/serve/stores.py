"""Stores to serve: the twelve points, or made-up prompts of any number, with weights that a number decides.

Written with the column writers alone, so that a quarter of a million prompts are there in seconds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from kat_ray.records import prompt_id
from kat_ray.snapshot import columns
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.manifest import COLUMN_FILES, Counts
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.snapshot.conftest import TEXTS, write_columns

NUM_POINTS = len(TEXTS)
_DIMENSION = 8
_K = 4


def publish(store: Store, work: Path, number: int = 0, num_prompts: int = NUM_POINTS) -> str:
    """Publish a snapshot, which becomes the current one; gives its id. Equal arguments give equal snapshots."""
    folder = Location(str(work / f"columns-{num_prompts}-{number}"))
    manifest = write_columns(folder.path, number=number, num_prompts=num_prompts)
    random = np.random.default_rng(number)
    density = 1.0 / random.lognormal(sigma=0.3, size=num_prompts)
    arrays = {
        "weights": (1 / density) / (1 / density).sum(),
        "density": density,
        "density_percentile": (np.argsort(np.argsort(density)) + 0.5) / num_prompts,
    }
    if num_prompts != NUM_POINTS:
        arrays |= _geometry(num_prompts)
        _write_tables(folder, num_prompts)
        manifest = replace(manifest, counts=Counts(num_prompts, num_prompts, 0, 0, num_prompts, num_prompts, 0))
    for name, array in arrays.items():
        columns.write_npy(folder / COLUMN_FILES[name], [array], array.shape, array.dtype)
    records = tuple(record_column(record.name, folder / record.file) for record in manifest.columns)
    return store.publish(folder, replace(manifest, columns=records)).snapshot_id


def _geometry(num_prompts: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((num_prompts, _DIMENSION)).astype(np.float32)
    steps = np.arange(1, _K + 1)
    rows = np.arange(num_prompts)
    return {
        "embeddings": vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        "num_tokens": np.full(num_prompts, 7, np.int32),
        "neighbor_indices": ((rows[:, None] + steps) % num_prompts).astype(np.int32),
        "neighbor_distances": np.broadcast_to(steps / 10, (num_prompts, _K)).astype(np.float32),
        "duplicates": rows.astype(np.int32),
        "clusters": (rows % 3).astype(np.int32),
        "layout": random.uniform(-1, 1, (num_prompts, 3)).astype(np.float32),
    }


def _write_tables(folder: Location, num_prompts: int) -> None:
    texts = [f"What is there to know about matter number {row} of the list?" for row in range(num_prompts)]
    ids = [prompt_id(text) for text in texts]
    hashes = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
    messages = [[{"role": "user", "content": text}] for text in texts]
    one, name = [1] * num_prompts, ["own-data"] * num_prompts
    shared = {"conversation_id": ids, "messages": messages, "source": name}
    prompts = {**shared, "id": ids, "text": texts, "text_hash": hashes, "num_pairs": one, "num_complete_pairs": one}
    prompts["sources"] = [[{"source": "own-data", "count": 1}]] * num_prompts
    pairs = {**shared, "prompt_id": ids, "prompt_row": range(num_prompts), "chosen": texts, "rejected": name}
    tables = {"prompts": (prompts, columns.PROMPTS_SCHEMA), "pairs": (pairs, columns.PAIRS_SCHEMA)}
    for column, (content, schema) in tables.items():
        table = pa.table({field.name: pa.array(content[field.name], field.type) for field in schema}, schema=schema)
        columns.write_parquet(folder / COLUMN_FILES[column], schema, [table])
    empty = columns.REJECTS_SCHEMA.empty_table()
    columns.write_parquet(folder / COLUMN_FILES["rejects"], columns.REJECTS_SCHEMA, [empty])
    clusters = [{"label": label, "size": len(range(label, num_prompts, 3)), "terms": []} for label in range(3)]
    (folder / COLUMN_FILES["cluster_terms"]).write_bytes(json.dumps(clusters).encode())
