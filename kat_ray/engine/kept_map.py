"""The map of an earlier snapshot that goes on: its prompts keep their places, new ones are placed among them.

Memory: the earlier vectors, mapped where its store is local, a quarter of them as integers, and 1,024 new ones at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc

from kat_ray.arrays import Float32Matrix
from kat_ray.errors import InputError
from kat_ray.geometry.layout import LayoutConfig, place
from kat_ray.geometry.neighbors import ExactIndex
from kat_ray.snapshot.columns import read_npy_rows, read_table
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_BLOCK_ROWS = 1024


def identify_map(uri: str, encoder: dict[str, object]) -> tuple[str, Location]:
    """Worker: id and folder of the snapshot whose map goes on, after a look at the checksums of all its columns.

    Raises:
        InputError: it has the vectors of another encoder than this one.
        SnapshotError: it is not there, or damaged.
    """
    snapshot = Snapshot.open(uri, verify="checksums")
    if snapshot.manifest.parameters.get("encoder") != encoder:
        raise InputError(
            f"The map of {uri} cannot go on: its vectors are of {snapshot.manifest.encoder.get('name')} with other "
            "settings or weights than this build's encoder. Use the same encoder, or leave out --map-of."
        )
    return snapshot.snapshot_id, snapshot.location


def keep_map(columns: Location, folder: Location, config: LayoutConfig) -> Float32Matrix:
    """Worker: coordinates float32 [N, 3] of the prompts in `columns` on the map of the snapshot in `folder`."""
    snapshot = Snapshot.open(folder)
    ids = read_table(columns / "prompts.parquet", ["id"])["id"]
    former = pc.fill_null(pc.index_in(ids, value_set=snapshot.ids), -1).to_numpy()
    points = np.empty((len(former), snapshot.layout.shape[1]), np.float32)
    points[former >= 0] = snapshot.layout[former[former >= 0]]
    new = np.flatnonzero(former < 0)
    index = ExactIndex(snapshot.embeddings) if len(new) else None
    for start in range(0, len(new), _BLOCK_ROWS):
        rows = new[start : start + _BLOCK_ROWS]
        points[rows] = _place(read_npy_rows(columns / "embeddings.npy", rows), snapshot, index, config)
    return points


def _place(vectors: Float32Matrix, snapshot: Snapshot, index: Any, config: LayoutConfig) -> Float32Matrix:
    """A vector that the snapshot has, too, comes to stand on its prompt."""
    width = min(config.n_neighbors, snapshot.num_prompts)
    nearest = index.search(vectors, np.full(len(vectors), -1), width)
    return place(snapshot.layout, nearest.indices, nearest.distances, config)
