"""Vectors and weights as the seeds store them for training: two arrays, a list of ids and a page of facts.

Rows are joined by `ids.json`, never by position in another file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector
from kat_ray.snapshot.columns import write_npy
from kat_ray.snapshot.embedding_files import write_ids
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_BLOCK_ROWS = 65_536


def write_vectors(snapshot: Snapshot, out: Location) -> list[str]:
    """Write embeddings.npy (float32 [N, D], unit rows), ids.json (N strings) and the files of `write_weights`; return
    their names.
    """
    manifest, numbers = snapshot.manifest, snapshot.manifest.diagnostics
    shape = manifest.column("embeddings").shape
    write_npy(out / "embeddings.npy", _blocks(snapshot), shape, np.float32)
    write_ids(out, snapshot.ids.to_pylist())
    origin = {
        "snapshot_id": manifest.snapshot_id,
        "input_hash": manifest.input_hash,
        "k": numbers["k"],
        "encoder": manifest.encoder,
        "scheme": {"estimator": numbers["estimator"], "power": numbers["power"], "cap": numbers["cap"]},
    }
    return ["embeddings.npy", "ids.json", *write_weights(out, snapshot.weights, shape[1], origin)]


def write_weights(out: Location, weights: Float64Vector, dimension: int, origin: Mapping[str, Any]) -> list[str]:
    """Write density_weights.npy (float32 [N], positive, sum 1 within 1e-5) and embeddings_metadata.json: the seeds'
    keys, then where the numbers come from; return their names. The vocabulary is not known here; it decides nothing.
    """
    # A weight may be too small for float32, but no prompt may become impossible to draw.
    values = np.maximum(weights.astype(np.float32), np.finfo(np.float32).tiny)
    write_npy(out / "density_weights.npy", [values], values.shape, np.float32)
    facts = {
        "n_items": len(values),
        "embedding_dim": dimension,
        "embedding_dtype": "float32",
        "weights_dtype": "float32",
        "model_vocab_size": None,
        "model_n_embd": dimension,
        "normalization": "L2 unit vectors",
        "weights_min": float(values.min()),
        "weights_max": float(values.max()),
        "weights_mean": float(values.mean(dtype=np.float64)),
        "weights_std": float(values.std(dtype=np.float64)),
        **origin,
    }
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False)
    (out / "embeddings_metadata.json").write_bytes(text.encode() + b"\n")
    return ["density_weights.npy", "embeddings_metadata.json"]


def _blocks(snapshot: Snapshot) -> Iterator[Float32Matrix]:
    for start in range(0, snapshot.num_prompts, _BLOCK_ROWS):
        yield snapshot.array("embeddings", start, start + _BLOCK_ROWS)
