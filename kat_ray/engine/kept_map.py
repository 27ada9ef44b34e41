"""The map of an earlier snapshot that goes on: its prompts keep their places, new ones are placed among them.

Memory: the earlier vectors, mapped where its store is local, a quarter of them as integers, and 1,024 new ones at once.
"""

from __future__ import annotations

import numpy as np

from kat_ray.arrays import Float32Matrix
from kat_ray.engine.same_texts import find_rows, text_hashes
from kat_ray.errors import InputError
from kat_ray.geometry.layout import LayoutConfig, place
from kat_ray.geometry.neighbors import ExactIndex
from kat_ray.snapshot.columns import read_npy_rows
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_BLOCK_ROWS = 1024


def identify_map(uri: str, encoder: dict[str, object]) -> tuple[str, Location]:
    """Worker: id and folder of the snapshot whose map goes on.

    Raises:
        InputError: it has the vectors of another encoder than this one.
    """
    snapshot = Snapshot.open(uri)
    if snapshot.manifest.parameters.get("encoder") != encoder:
        raise InputError(
            f"The map of {uri} cannot go on: its vectors are of {snapshot.manifest.encoder.get('name')} with other "
            "settings or weights than this build's encoder. Use the same encoder, or leave out --map-of."
        )
    return snapshot.snapshot_id, snapshot.location


def keep_map(columns: Location, folder: Location, config: LayoutConfig) -> Float32Matrix:
    """Worker: coordinates float32 [N, 3] of the prompts in `columns` on the map of the snapshot in `folder`."""
    snapshot = Snapshot.open(folder)
    prompts = snapshot.folder_of("prompts") / "prompts.parquet"
    former = find_rows(text_hashes(columns / "prompts.parquet"), text_hashes(prompts))
    points = np.empty((len(former), snapshot.layout.shape[1]), np.float32)
    points[former >= 0] = snapshot.layout[former[former >= 0]]
    new = np.flatnonzero(former < 0)
    if len(new):
        points[new] = _place(read_npy_rows(columns / "embeddings.npy", new), snapshot, config)
    return points


def _place(vectors: Float32Matrix, snapshot: Snapshot, config: LayoutConfig) -> Float32Matrix:
    index, width = ExactIndex(snapshot.embeddings), min(config.n_neighbors, snapshot.num_prompts)
    found = []
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[start : start + _BLOCK_ROWS]
        nearest = index.search(block, np.full(len(block), -1), width)
        found.append(place(snapshot.layout, nearest.indices, nearest.distances, config))
    return np.concatenate(found)
