"""A snapshot of twelve prompts whose geometry can be drawn on paper: points on a circle, given by their angles.

    0 1 2 3 4 5        a crowd, one degree apart       hh-rlhf
    90 90 100          a pair of duplicates and one    ultrafeedback-binarized
    180 240 300        three hermits                   own-data

Written with numpy and the column writers only, so that it depends on no other part of the line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kat_ray.records import Message, conversation_id, prompt_id
from kat_ray.snapshot import columns
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.manifest import COLUMN_FILES, Counts, Manifest, snapshot_id
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

ANGLES = np.array([0, 1, 2, 3, 4, 5, 90, 90, 100, 180, 240, 300], np.float64)
SOURCES = ["hh-rlhf"] * 6 + ["ultrafeedback-binarized"] * 3 + ["own-data"] * 3
TEXTS = [
    *(f"How do I bake bread number {number}?" for number in range(6)),
    "Explain entropy\nin two lines,\twith a tab.",
    "Explain entropy in two lines, with a comma.",
    "Explain entropy.",
    "¿Qué es la ética? 倫理とは何ですか",
    "<img src=x onerror=alert(1)> \x1b[31mred\x1b[0m \u202egnp.exe",
    "x" * 700 + " the end",
]
K, FIRST_K = 4, 2


def _arrays() -> dict[str, np.ndarray]:
    radians = np.deg2rad(ANGLES)
    vectors = np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
    distances = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :K]
    near = np.take_along_axis(distances, indices, axis=1)
    density = 1 / (near[:, :FIRST_K].mean(axis=1) + 1e-6)
    ranks = (density[:, None] > density[None]).sum(axis=1) + ((density[:, None] == density[None]).sum(axis=1) - 1) / 2
    weights = 1 / density
    return {
        "embeddings": vectors,
        "num_tokens": np.array([len(text.split()) for text in TEXTS], np.int32),
        "neighbor_indices": indices.astype(np.int32),
        "neighbor_distances": near.astype(np.float32),
        "density": density,
        "density_percentile": (ranks + 0.5) / len(TEXTS),
        "weights": weights / weights.sum(),
        "duplicates": np.array([0, 1, 2, 3, 4, 5, 6, 6, 8, 9, 10, 11], np.int32),
        "clusters": np.array([0] * 6 + [1] * 3 + [2] * 3, np.int32),
        "layout": np.stack([*vectors.T, np.linspace(-0.5, 0.5, 12)], axis=1).astype(np.float32),
    }


def _messages(row: int) -> list[dict[str, str]]:
    """Rows 8 and 11 have three turns, the others one."""
    first = {"role": "user", "content": TEXTS[row]}
    more = [{"role": "assistant", "content": "Which part?"}, {"role": "user", "content": "All of it."}]
    return [first, *more] if row in (8, 11) else [first]


def _prompts() -> pa.Table:
    rows = []
    for row, (text, source) in enumerate(zip(TEXTS, SOURCES, strict=True)):
        messages, count = _messages(row), row % 3 + 1
        rows.append(
            {
                "id": prompt_id(text),
                "text": text,
                "messages": messages,
                "source": source,
                "sources": [{"source": source, "count": count}],
                "num_pairs": count,
                "num_complete_pairs": 1,
                "conversation_id": conversation_id([Message(**message) for message in messages]),
                "text_hash": hashlib.blake2b(text.encode(), digest_size=16).digest(),
            }
        )
    return pa.Table.from_pylist(rows, schema=columns.PROMPTS_SCHEMA)


def _pairs(prompts: pa.Table) -> pa.Table:
    """Each prompt's first pair in prompt order, then its further ones, which lack replies."""
    rows = []
    for turn in range(3):
        for row, prompt in enumerate(prompts.to_pylist()):
            if turn < prompt["num_pairs"]:
                rows.append(
                    {
                        "prompt_id": prompt["id"],
                        "prompt_row": row,
                        "conversation_id": prompt["conversation_id"],
                        "messages": prompt["messages"],
                        "chosen": f"good {row} " + "a" * 150 if turn < 2 else None,
                        "rejected": f"bad {row}" if turn == 0 else None,
                        "source": prompt["source"],
                    }
                )
    return pa.Table.from_pylist(rows, schema=columns.PAIRS_SCHEMA)


def _diagnostics(weights: np.ndarray) -> Diagnostics:
    return Diagnostics(
        estimator="distance",
        k=FIRST_K,
        power=1.0,
        cap=None,
        effective_sample_size=float(1 / (weights**2).sum() / len(weights)),
        gini=0.4,
        max_over_median=float(weights.max() / np.median(weights)),
        mass_per_density_quartile=[0.7, 0.2, 0.07, 0.03],
        ess_over_power={"1": 0.5, "2": 0.3, "10": 0.25},
        intrinsic_dimension=1.0,
        recall=None,
        duplicate_distance=0.01,
        num_duplicate_groups=1,
        num_near_duplicates=2,
        num_clusters=3,
        cluster_sizes=[6, 3, 3],
        trustworthiness=0.99,
        layout_outlier_share=0.0,
        layout_spread=0.5,
        source_mixing=None,
        num_truncated=1,
        token_limit=256,
        sources={"hh-rlhf": 6, "ultrafeedback-binarized": 3, "own-data": 3},
    )


def write_columns(folder: Path | str, **changes: Any) -> Manifest:
    """Write all column files into a folder; `changes` replace parameters, so that the snapshot gets another id."""
    work, arrays, prompts = Location(str(folder)), _arrays(), _prompts()
    pairs = _pairs(prompts)
    rejects = pa.table({"file": ["a.jsonl"] * 2, "line": [3, 9], "reason": ["broken JSON", "empty prompt"]})
    for name, array in arrays.items():
        columns.write_npy(work / COLUMN_FILES[name], [array], array.shape, array.dtype)
    for name, table in {"prompts": prompts, "pairs": pairs, "rejects": rejects}.items():
        schema = getattr(columns, f"{name.upper()}_SCHEMA")
        columns.write_parquet(work / COLUMN_FILES[name], schema, [table.cast(schema)], block_rows=5)
    clusters = [{"label": 0, "size": 6, "terms": ["bake", "bread"]}, {"label": 1, "size": 3, "terms": ["entropy"]}]
    (work / "clusters.json").write_bytes(json.dumps(clusters).encode())
    parameters = {"input_hash": "00" * 16, "k": FIRST_K, "encoder": "circle", **changes}
    return Manifest(
        snapshot_id=snapshot_id(parameters),
        created_at="2026-01-02T03:04:05+00:00",
        counts=Counts(pairs.num_rows + 3, pairs.num_rows, 2, 1, 12, pairs.num_rows, 12),
        encoder={"name": "circle", "revision": "1", "dimension": 2, "pooling": "none"},
        parameters=parameters,
        input_hash="00" * 16,
        seeds={"layout": 42},
        libraries={"numpy": np.__version__},
        columns=tuple(record_column(name, work / file) for name, file in COLUMN_FILES.items()),
        stage_seconds={"embeddings": 1.5, "neighbors": 0.25},
        diagnostics=_diagnostics(arrays["weights"]),
        notes=("k was clamped from 10 to 2.",),
    )


@pytest.fixture(scope="session")
def make_columns() -> Callable[..., Manifest]:
    """`write_columns`, for tests that publish themselves."""
    return write_columns


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A local store whose current snapshot is the twelve points."""
    store = Store(Location(str(tmp_path / "store")))
    store.publish(Location(str(tmp_path / "work")), write_columns(tmp_path / "work"))
    return store
