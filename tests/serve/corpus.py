"""A store of sixty prompts that was made as a build makes one, with the hashing encoder and without Ray, so that unseen
text can be embedded; and the second snapshot of the same prompts with a higher power."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.hashing import HashingEncoder
from kat_ray.geometry.density import density_percentile
from kat_ray.geometry.layout import normalize_layout, principal_axes
from kat_ray.geometry.weights import WeightConfig, crowding_of, weights
from kat_ray.records import Message, conversation_id, prompt_id
from kat_ray.snapshot import columns
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.manifest import COLUMN_FILES, Counts, Manifest, snapshot_id
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

SECRET = "the vault opens with xylophone-4711"
"""Stands in one prompt; a test looks for it where no text may be."""

_DISHES = ("bread", "soup", "stew", "cake", "pie", "curry", "salad", "pasta", "risotto", "chili")
_ALONE = (
    "Explain entropy in two lines, with a comma.",
    "¿Qué es la ética? 倫理とは何ですか",
    "<img src=x onerror=alert(1)> \x1b[31mred\x1b[0m",
    f"Please remember that {SECRET}.",
    "x" * 700 + " the end",
)
TEXTS = [
    *(f"How do I bake {dish} number {number} at home?" for dish in _DISHES for number in range(5)),
    *(f"Write a short poem about {dish} in winter." for dish in _DISHES[:5]),
    *_ALONE,
]
IDS = [str(prompt_id(text)) for text in TEXTS]
K, STORED_K = 5, 12


def write_store(folder: Path) -> tuple[Store, str, str]:
    """The store, its current snapshot (power 1), and an older one (power 3)."""
    store = Store(Location(str(folder / "store")))
    older = publish(store, folder, WeightConfig(power=3.0))
    current = publish(store, folder, WeightConfig())
    return store, current, older


def publish(store: Store, folder: Path, weighting: WeightConfig, **changes: Any) -> str:
    """Publish the prompts with this weighting, which makes it the current snapshot; `changes` go into the parameters.
    Equal arguments give equal snapshots."""
    work = Location(str(folder / f"work-{hash((weighting, tuple(changes)))}"))
    identity = asdict(HashingEncoder(EncoderConfig(spec="hashing")).identity)
    parameters = {
        "input_hash": "00" * 16,
        "encoder": {name: value for name, value in identity.items() if name != "name"},
        "k": K,
        "stored_k": STORED_K,
        "text": "first_user",
        "layout": {"n_neighbors": 8, "min_dist": 0.1},
        "weights": asdict(weighting),
        **changes,
    }
    numbers = _write_columns(work, weighting)
    manifest = Manifest(
        snapshot_id=snapshot_id(parameters),
        created_at="2026-01-02T03:04:05+00:00",
        counts=Counts(len(TEXTS) + 3, len(TEXTS), 2, 1, len(TEXTS), len(TEXTS), len(TEXTS)),
        encoder=identity,
        parameters=parameters,
        input_hash="00" * 16,
        seeds={"layout": 42},
        libraries={"numpy": np.__version__},
        columns=tuple(record_column(name, work / file) for name, file in COLUMN_FILES.items()),
        stage_seconds={"embeddings": 1.5},
        diagnostics=numbers,
        notes=(),
    )
    return store.publish(work, manifest).snapshot_id


@cache
def _geometry() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lengths in tokens, vectors, and the exact graph: indices and distances."""
    encoder = HashingEncoder(EncoderConfig(spec="hashing"))
    tokens = encoder.tokenize(TEXTS)
    vectors = encoder.encode(tokens)
    wide = vectors.astype(np.float64)
    distances = np.linalg.norm(wide[:, None] - wide[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :STORED_K]
    near = np.take_along_axis(distances, indices, axis=1)
    return tokens.full_lengths, vectors, indices.astype(np.int32), near.astype(np.float32)


def _write_columns(work: Location, weighting: WeightConfig) -> Diagnostics:
    lengths, vectors, indices, distances = _geometry()
    density = crowding_of(distances, K, weighting)
    made = weights(distances, K, weighting)
    arrays = {
        "embeddings": vectors,
        "num_tokens": lengths,
        "neighbor_indices": indices,
        "neighbor_distances": distances,
        "density": density,
        "density_percentile": density_percentile(density),
        "weights": made.values,
        "duplicates": np.arange(len(TEXTS), dtype=np.int32),
        "clusters": np.array([0] * 50 + [1] * 5 + [2] * 5, np.int32),
        "layout": normalize_layout(principal_axes(vectors)),
    }
    for name, array in arrays.items():
        columns.write_npy(work / COLUMN_FILES[name], [array], array.shape, array.dtype)
    _write_tables(work)
    terms = [{"label": 0, "size": 50, "terms": ["bake"]}, {"label": 1, "size": 5, "terms": ["poem"]}]
    (work / COLUMN_FILES["cluster_terms"]).write_bytes(json.dumps(terms).encode())
    return _diagnostics(made.values, made.power, weighting)


def _write_tables(work: Location) -> None:
    rows = [(text, [Message("user", text)]) for text in TEXTS]
    prompts = [
        {
            "id": prompt_id(text),
            "text": text,
            "messages": [message._asdict() for message in messages],
            "source": _source(row),
            "sources": [{"source": _source(row), "count": 1}],
            "num_pairs": 1,
            "num_complete_pairs": 1,
            "conversation_id": conversation_id(messages),
            "text_hash": hashlib.blake2b(text.encode(), digest_size=16).digest(),
        }
        for row, (text, messages) in enumerate(rows)
    ]
    pairs = [
        {
            "prompt_id": prompt["id"],
            "prompt_row": row,
            "conversation_id": prompt["conversation_id"],
            "messages": prompt["messages"],
            "chosen": f"good {row}",
            "rejected": f"bad {row}",
            "source": prompt["source"],
        }
        for row, prompt in enumerate(prompts)
    ]
    rejects = [{"file": "a.jsonl", "line": line, "reason": "broken JSON"} for line in (3, 9)]
    for name, content in {"prompts": prompts, "pairs": pairs, "rejects": rejects}.items():
        schema = getattr(columns, f"{name.upper()}_SCHEMA")
        columns.write_parquet(work / COLUMN_FILES[name], schema, [pa.Table.from_pylist(content, schema=schema)])


def _source(row: int) -> str:
    return ("hh-rlhf", "ultrafeedback-binarized", "own-data")[row % 3]


def _diagnostics(values: np.ndarray, power: float, weighting: WeightConfig) -> Diagnostics:
    return Diagnostics(
        estimator=weighting.estimator,
        k=K,
        power=power,
        cap=weighting.cap,
        effective_sample_size=float(1 / (values**2).sum() / len(values)),
        gini=0.4,
        max_over_median=float(values.max() / np.median(values)),
        mass_per_density_quartile=[0.4, 0.3, 0.2, 0.1],
        ess_over_power={"1": 0.9},
        intrinsic_dimension=None,
        recall=None,
        duplicate_distance=0.1,
        num_duplicate_groups=0,
        num_near_duplicates=0,
        num_clusters=3,
        cluster_sizes=[50, 5, 5],
        trustworthiness=None,
        layout_outlier_share=None,
        layout_spread=None,
        source_mixing=None,
        num_truncated=0,
        token_limit=256,
        sources={"hh-rlhf": 20, "ultrafeedback-binarized": 20, "own-data": 20},
    )
