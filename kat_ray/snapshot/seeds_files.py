"""Vectors and weights as the seeds store them for training: two arrays, a list of ids and a page of facts.

Rows are joined by `ids.json`, never by position in another file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix
from kat_ray.snapshot.columns import write_npy
from kat_ray.snapshot.embedding_files import write_ids
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_BLOCK_ROWS = 65_536


def write_vectors(snapshot: Snapshot, out: Location) -> list[str]:
    """Write embeddings.npy (float32 [N, D], unit rows), density_weights.npy (float32 [N], positive, sum 1 within
    1e-5), ids.json (N strings) and embeddings_metadata.json; return their names.
    """
    shape = snapshot.manifest.column("embeddings").shape
    weights = _single_precision(snapshot)
    write_npy(out / "embeddings.npy", _blocks(snapshot), shape, np.float32)
    write_npy(out / "density_weights.npy", [weights], weights.shape, np.float32)
    write_ids(out, snapshot.ids.to_pylist())
    facts = json.dumps(_metadata(snapshot, weights), indent=1, sort_keys=True, ensure_ascii=False)
    (out / "embeddings_metadata.json").write_bytes(facts.encode() + b"\n")
    return ["embeddings.npy", "density_weights.npy", "ids.json", "embeddings_metadata.json"]


def _single_precision(snapshot: Snapshot) -> NDArray[np.float32]:
    """A weight may be too small for float32, but no prompt may become impossible to draw."""
    return np.maximum(snapshot.weights.astype(np.float32), np.finfo(np.float32).tiny)


def _blocks(snapshot: Snapshot) -> Iterator[Float32Matrix]:
    for start in range(0, snapshot.num_prompts, _BLOCK_ROWS):
        yield snapshot.array("embeddings", start, start + _BLOCK_ROWS)


def _metadata(snapshot: Snapshot, weights: NDArray[np.float32]) -> dict[str, object]:
    """The seeds' keys, then where the numbers come from. The vocabulary is not known here; it decides nothing."""
    manifest, numbers = snapshot.manifest, snapshot.manifest.diagnostics
    num_items, dimension = manifest.column("embeddings").shape
    return {
        "n_items": num_items,
        "embedding_dim": dimension,
        "embedding_dtype": "float32",
        "weights_dtype": "float32",
        "model_vocab_size": None,
        "model_n_embd": dimension,
        "normalization": "L2 unit vectors",
        "weights_min": float(weights.min()),
        "weights_max": float(weights.max()),
        "weights_mean": float(weights.mean(dtype=np.float64)),
        "weights_std": float(weights.std(dtype=np.float64)),
        "snapshot_id": manifest.snapshot_id,
        "input_hash": manifest.input_hash,
        "k": numbers["k"],
        "encoder": manifest.encoder,
        "scheme": {"estimator": numbers["estimator"], "power": numbers["power"], "cap": numbers["cap"]},
    }
