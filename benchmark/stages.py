"""Single stages of a build over the columns of a snapshot, in an embedded cluster of this process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.sizes import num_cores
from kat_ray.arrays import Float32Matrix
from kat_ray.engine.neighbors import IndexKind, find_neighbors
from kat_ray.engine.scores import lay_out
from kat_ray.engine.session import session
from kat_ray.geometry.layout import LayoutConfig
from kat_ray.snapshot.columns import read_npy, write_npy
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_SEED = 42


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph [N, k] and the seconds of its stage, starting the cluster left out."""

    indices: NDArray[Any]
    distances: NDArray[Any]
    seconds: float


def run_graph(snapshot: Snapshot, folder: Path, k: int, index: IndexKind) -> Graph:
    """The graph of a snapshot's vectors, made anew in this folder."""
    work = Location(str(folder))
    _copy(snapshot, "embeddings", work)
    with session("local"):
        summary = find_neighbors(work, k, index, "cpu", num_cores(), _SEED)
    indices, distances = (read_npy(work / f"neighbor_{name}.npy") for name in ("indices", "distances"))
    return Graph(np.array(indices), np.array(distances), summary.seconds)


def run_layout(snapshot: Snapshot, folder: Path) -> tuple[Float32Matrix, float]:
    """The layout of a snapshot's vectors and graph, made anew in this folder, and its seconds."""
    columns, work = Location(str(folder)), Location(str(folder / "drawn"))
    for name in ("embeddings", "neighbor_indices", "neighbor_distances"):
        _copy(snapshot, name, columns)
    with session("local"):
        started = time.perf_counter()
        lay_out(columns, None, work, LayoutConfig())
        seconds = time.perf_counter() - started
    return np.array(read_npy(work / "layout.npy")), seconds


def _copy(snapshot: Snapshot, name: str, work: Location) -> None:
    column = snapshot.array(name)
    write_npy(work / f"{name}.npy", [column], column.shape, column.dtype)
