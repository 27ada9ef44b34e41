"""The exact graph of a corpus from that of a smaller one: only what is new is compared with everything.

Rows that a snapshot has with the same vector, and whose neighbors all stayed, keep these unless a new row is nearer;
all others are searched anew. Each worker has a range of the rows: it compares those that stay with the new ones, and
the ones to search with its range. The result is what a full search finds; where distances are equal as float32 numbers,
as they are stored, the neighbors may be others. Work: 4 F N D operations for F rows to search, where a full search does
2 N^2 D. Memory of a worker: its range, mapped where the store is local, and a quarter of it in integers; F * D * 5
bytes for F new rows; about 100 K bytes for each row of the range. Of the last worker N * K * 24. What is broken off
begins anew.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.engine.same_texts import find_rows, text_hashes
from kat_ray.engine.tasks import Call, run_side_by_side
from kat_ray.geometry.neighbors import Device, ExactIndex, Neighbors, merge
from kat_ray.snapshot.columns import read_npy, read_npy_header, read_npy_rows, write_npy
from kat_ray.storage import Location

_MOST_SEARCHED = 0.3  # share of the rows above which a full search is about as fast
_BLOCK_ROWS = 1024
_COMPARED_ROWS = 65_536
_FLOAT32 = 1.0 + 1e-6  # stored distances are rounded


def plan_growth(work: Location, snapshots: Sequence[Location], k: int) -> Location | None:
    """Worker: the snapshot that leaves the fewest rows to search, None where none saves enough.

    `snapshots` are whole folders of the same encoder, with an exact graph of at least k neighbors. Writes which row of
    the chosen one each row of `work` is (-1 for none), and the rows to search.
    """
    best, fewest = None, _MOST_SEARCHED * read_npy_header(work / "embeddings.npy").shape[0]
    for snapshot in snapshots:
        former = _former_rows(work, snapshot)
        searched = np.flatnonzero(~_keeps_neighbors(snapshot, former, k))
        if len(searched) <= fewest:
            best, fewest = snapshot, len(searched)
            write_npy(work / "neighbors" / "former.npy", iter([former]), former.shape, former.dtype)
            write_npy(work / "neighbors" / "searched.npy", iter([searched]), searched.shape, searched.dtype)
    return best


def grow_neighbors(work: Location, snapshot: Location, k: int, device: Device, num_workers: int) -> list[str]:
    """Search what `plan_growth` left, in as many ranges as workers; returns the files of the ranges below `work`."""
    num_rows = read_npy_header(work / "embeddings.npy").shape[0]
    edges = np.linspace(0, num_rows, min(num_workers, num_rows) + 1).astype(int).tolist()
    calls = [
        Call(_search_range, (work, snapshot, start, stop, k, device), num_gpus=int(device == "gpu"))
        for start, stop in pairwise(edges)
    ]
    return run_side_by_side("neighbors", calls, unit="ranges")


def join_ranges(work: Location, files: Sequence[str], k: int) -> Neighbors:
    """Worker: the graph [N, k] of all ranges; distances are rounded as they are stored."""
    searched = read_npy(work / "neighbors" / "searched.npy")
    num_rows = read_npy_header(work / "embeddings.npy").shape[0]
    indices, distances = np.empty((num_rows, k), np.int64), np.empty((num_rows, k))
    found = Neighbors(np.full((len(searched), k), -1, np.int64), np.full((len(searched), k), np.inf))
    for file in files:
        with np.load(io.BytesIO((work / "neighbors" / file).read_bytes()), allow_pickle=False) as part:
            indices[part["staying"]], distances[part["staying"]] = part["indices"], part["distances"]
            found = merge(found, Neighbors(part["searched_indices"], part["searched_distances"]), k)
    indices[searched], distances[searched] = found.indices, found.distances
    return Neighbors(indices, distances)


def _former_rows(work: Location, snapshot: Location) -> Int64Vector:
    """For each row the row of the snapshot with its text and its very vector, -1 for none."""
    known = text_hashes(snapshot / "prompts.parquet")
    former = find_rows(text_hashes(work / "prompts.parquet"), known)
    claims = np.bincount(former[former >= 0], minlength=len(known))
    former[claims[former] > 1] = -1  # prompts of one text: which is which cannot be told
    for start in range(0, len(former), _COMPARED_ROWS):
        block = former[start : start + _COMPARED_ROWS]
        found = np.flatnonzero(block >= 0)
        vectors = read_npy(work / "embeddings.npy", start, start + len(block))[found]
        block[found[(vectors != read_npy_rows(snapshot / "embeddings.npy", block[found])).any(axis=1)]] = -1
    return former


def _keeps_neighbors(snapshot: Location, former: Int64Vector, k: int) -> NDArray[np.bool_]:
    """Whether a row and all its k neighbors in the snapshot are here."""
    neighbors = read_npy(snapshot / "neighbor_indices.npy")[:, :k]
    is_here = np.zeros(len(neighbors), np.bool_)
    is_here[former[former >= 0]] = True
    return np.asarray((former >= 0) & is_here[neighbors].all(axis=1)[former])


def _search_range(work: Location, snapshot: Location, start: int, stop: int, k: int, device: Device) -> str:
    """Worker: the neighbors of the rows in start..stop that keep theirs, and those that searched rows have there."""
    searched = read_npy(work / "neighbors" / "searched.npy")
    staying = np.setdiff1d(np.arange(start, stop), searched, assume_unique=True)
    kept = _kept_neighbors(work, snapshot, staying, k, device)
    index = ExactIndex(read_npy(work / "embeddings.npy", start, stop), device=device)
    here = _search(work, index, searched, searched - start, k, np.arange(start, stop))
    buffer = io.BytesIO()
    np.savez(
        buffer, staying=staying, indices=kept.indices, distances=kept.distances,
        searched_indices=here.indices, searched_distances=here.distances,
    )  # fmt: skip
    file = f"range-{start:012d}.npz"
    (work / "neighbors" / file).write_bytes(buffer.getvalue())
    return file


def _kept_neighbors(work: Location, snapshot: Location, staying: Int64Vector, k: int, device: Device) -> Neighbors:
    """Those of before, unless new rows are nearer."""
    former = read_npy(work / "neighbors" / "former.npy")
    fresh, unseen = np.flatnonzero(former < 0), np.full(len(staying), -1)
    new = ExactIndex(read_npy_rows(work / "embeddings.npy", fresh), device=device)
    known = _former_neighbors(snapshot, former, staying, k)
    nearer = _search(work, new, staying, unseen, k, fresh, known.distances[:, -1] * _FLOAT32)
    return merge(known, nearer, k)


def _search(
    work: Location,
    index: ExactIndex,
    queries: Int64Vector,
    own_rows: Int64Vector,
    k: int,
    rows: Int64Vector,
    reach: Float64Vector | None = None,
) -> Neighbors:
    """Neighbors of some rows of the corpus; row i of the index is rows[i]. Distances are rounded as they are stored."""
    indices = np.full((len(queries), k), -1, np.int64)
    distances = np.full((len(queries), k), np.inf)
    for start in range(0, len(queries) if len(rows) else 0, _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        vectors = read_npy_rows(work / "embeddings.npy", queries[block])
        found = index.search(vectors, own_rows[block], k, None if reach is None else reach[block])
        indices[block] = np.where(found.indices < 0, -1, rows[found.indices])
        distances[block] = found.distances.astype(np.float32)
    return Neighbors(indices, distances)


def _former_neighbors(snapshot: Location, former: Int64Vector, staying: Int64Vector, k: int) -> Neighbors:
    """Neighbors that rows had in the snapshot, by the rows that they are now."""
    now = np.full(int(former.max(initial=-1)) + 1, -1, np.int64)
    now[former[former >= 0]] = np.flatnonzero(former >= 0)
    indices = read_npy_rows(snapshot / "neighbor_indices.npy", former[staying])[:, :k]
    distances = read_npy_rows(snapshot / "neighbor_distances.npy", former[staying])[:, :k]
    return Neighbors(now[indices], distances.astype(np.float64))
