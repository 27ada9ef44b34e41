"""Embeddings in the files of the seeds and of other tools: `embeddings.pt`, or `embeddings.npy` beside `ids.json`.

Foreign `.pt` files are read with `weights_only=True`, so that nothing in them runs.
"""

from __future__ import annotations

import io
import json
import pickle
from typing import Any

import numpy as np

from kat_ray.arrays import Float32Matrix, require_rows
from kat_ray.errors import InputError
from kat_ray.snapshot.columns import read_npy
from kat_ray.storage import Location

_UNIT_TOLERANCE = 1e-6


def read_embeddings(location: Location) -> tuple[list[str], Float32Matrix]:
    """Ids and unit rows float32 [N, D] of an `embeddings.pt` {"ids", "emb"}, or of a folder with the two files.

    Rows of other lengths are scaled to 1.

    Raises:
        InputError: files that are missing, unreadable, of different lengths, not finite, or with a zero row.
    """
    ids, vectors = _read_pt(location) if location.name.endswith(".pt") else _read_folder(location)
    require_rows(f"{location.name}: emb", vectors, ndim=2, rows=len(ids))
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if len(ids) == 0 or not norms.all():
        raise InputError(f"{location} holds {'a zero row' if len(ids) else 'no rows'}; expected rows with a direction.")
    is_unit = np.abs(norms - 1.0).max() < _UNIT_TOLERANCE  # scaling again would change the last bits
    return ids, np.ascontiguousarray(vectors if is_unit else vectors / norms, np.float32)


def _read_pt(location: Location) -> tuple[list[str], Float32Matrix]:
    import torch

    if not location.exists():
        raise InputError(f"{location} does not exist; python -m jobs.embed writes one.")
    try:
        content: Any = torch.load(io.BytesIO(location.read_bytes()), weights_only=True, map_location="cpu")
        return [str(name) for name in content["ids"]], content["emb"].float().numpy()
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(
            f'{location} is not a plain mapping {{"ids", "emb"}} of tensors; nothing was loaded.'
        ) from error


def _read_folder(location: Location) -> tuple[list[str], Float32Matrix]:
    for name in ("ids.json", "embeddings.npy"):
        if not (location / name).exists():
            raise InputError(f"{location} has no {name}; expected a folder written by python -m jobs.embed.")
    ids = json.loads((location / "ids.json").read_bytes())
    if not isinstance(ids, list):
        raise InputError(f"{location}/ids.json is not a JSON list of ids.")
    return [str(name) for name in ids], read_npy(location / "embeddings.npy")


def write_pt(location: Location, ids: list[str], vectors: Float32Matrix) -> None:
    """One file {"ids": list, "emb": float32 [N, D]} that `torch.load(..., weights_only=True)` reads."""
    import torch

    with location.open_output() as stream:
        torch.save({"ids": ids, "emb": torch.from_numpy(np.array(vectors))}, stream)


def write_ids(folder: Location, ids: list[str]) -> None:
    """`ids.json`: the list of ids in row order."""
    (folder / "ids.json").write_bytes(json.dumps(ids, separators=(",", ":")).encode())
