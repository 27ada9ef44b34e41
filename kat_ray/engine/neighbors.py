"""Stage 3: the neighbor graph, from index shards on their own workers and query blocks that pass through all of them.

    block -> shard 0 -> shard 1 -> … -> the last one writes the block's file

Each shard merges its exact part into what the ones before found, so any number of shards gives the same graph, and
finished blocks are kept by a rerun. Memory: a worker holds N / num_workers rows; the driver one number a block.
The approximate index is one worker with the whole matrix.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import ray
from numpy.typing import NDArray

from kat_ray.engine.session import current_cluster
from kat_ray.engine.tasks import WorkersLostError, progress_bar, run_attempts, run_task
from kat_ray.geometry.neighbors import Neighbors, merge, search
from kat_ray.snapshot.columns import read_npy, read_npy_header, write_npy
from kat_ray.storage import Location

QUERY_BLOCK_ROWS = 1024
STALL_SECONDS = 20.0
IndexKind = Literal["exact", "pynndescent"]
DeviceKind = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class NeighborsSummary:
    """The stored graph: K neighbors after clamping; recall is measured for an approximate index, None when exact."""

    k: int
    recall: float | None
    seconds: float


def find_neighbors(
    work: Location, k: int, index: IndexKind, device: DeviceKind, num_workers: int, seed: int
) -> NeighborsSummary:
    """Write neighbor_indices.npy and neighbor_distances.npy [N, min(k, N - 1)] below `work`, from embeddings.npy."""
    record = work / "neighbors.json"
    if record.exists():
        return NeighborsSummary(**json.loads(record.read_bytes()))
    started = time.perf_counter()
    num_rows = read_npy_header(work / "embeddings.npy").shape[0]
    k = min(k, num_rows - 1)
    recall = None
    if index == "exact":
        stage = _ShardedSearch(work, num_rows, k, device, num_workers)
        run_attempts("neighbors", stage.remaining, stage.search)
        run_task(_assemble, work, num_rows, k)
    else:
        recall = run_task(_approximate, work, k, seed)
    summary = NeighborsSummary(k=k, recall=recall, seconds=time.perf_counter() - started)
    record.write_bytes(json.dumps(asdict(summary)).encode())
    (work / "neighbors").delete()
    return summary


class _ShardedSearch:
    """The query blocks of one corpus and how to answer those that are left."""

    def __init__(self, work: Location, num_rows: int, k: int, device: DeviceKind, num_workers: int) -> None:
        self._work, self._num_rows, self._k = work, num_rows, k
        self._device, self._num_workers = device, num_workers

    def remaining(self) -> list[int]:
        """First rows of the blocks without a file."""
        finished = {name for name, _ in (self._work / "neighbors").children()}
        return [start for start in range(0, self._num_rows, QUERY_BLOCK_ROWS) if _block_name(start) not in finished]

    def search(self, starts: Sequence[int]) -> None:
        """One attempt over the blocks at `starts` with as many shards as the cluster can hold now."""
        shards = self._start_shards()
        waiting, running = iter(starts), {}
        total = self._num_rows
        try:
            with progress_bar("neighbors", total, initial=total - self._num_queries(starts)) as bar:
                for start in waiting:
                    running[self._submit(shards, start)] = start
                    if len(running) >= 2 * len(shards):
                        bar.update(self._take_one(running, len(shards)))
                while running:
                    bar.update(self._take_one(running, len(shards)))
        finally:
            for shard in shards:
                ray.kill(shard)

    def _start_shards(self) -> list[Any]:
        cluster = current_cluster()
        available = cluster.num_gpus if self._device == "gpu" else cluster.num_cpus
        count = max(1, min(self._num_workers, available, self._num_rows))
        options = {"num_gpus": 1, "num_cpus": 0} if self._device == "gpu" else {"num_cpus": 1}
        edges = np.linspace(0, self._num_rows, count + 1).astype(int).tolist()
        actor = ray.remote(_IndexShard).options(max_restarts=0, **options)
        return [actor.remote(self._work, start, stop, self._k, self._device) for start, stop in pairwise(edges)]

    def _submit(self, shards: list[Any], start: int) -> Any:
        stop = min(start + QUERY_BLOCK_ROWS, self._num_rows)
        found = None
        first = (start // QUERY_BLOCK_ROWS) % len(shards)  # blocks enter at different shards, so that all have work
        order = shards[first:] + shards[:first]
        for shard in order[:-1]:
            found = shard.search.remote(start, stop, found)
        return order[-1].finish.remote(start, stop, found)

    def _take_one(self, running: dict[Any, int], num_shards: int) -> int:
        while True:
            ready, _ = ray.wait(list(running), timeout=STALL_SECONDS)
            if ready:
                del running[ready[0]]
                return int(ray.get(ready[0]))
            cluster = current_cluster()
            if (cluster.num_gpus if self._device == "gpu" else cluster.num_cpus) < num_shards:
                raise WorkersLostError(f"{num_shards} index shards no longer fit into the cluster ({cluster}).")

    def _num_queries(self, starts: Sequence[int]) -> int:
        return sum(min(start + QUERY_BLOCK_ROWS, self._num_rows) - start for start in starts)


class _IndexShard:
    """Actor: rows start..stop of the corpus."""

    def __init__(self, work: Location, start: int, stop: int, k: int, device: DeviceKind) -> None:
        self._work, self._start, self._k, self._device = work, start, k, device
        self._rows = read_npy(work / "embeddings.npy", start, stop)

    def search(self, start: int, stop: int, found: Neighbors | None) -> Neighbors:
        """Neighbors of the query rows start..stop here, merged into those of the shards before."""
        queries = read_npy(self._work / "embeddings.npy", start, stop)
        here = search(queries, np.arange(start, stop), self._rows, self._start, self._k, device=self._device)
        return here if found is None else merge(found, here, self._k)

    def finish(self, start: int, stop: int, found: Neighbors | None) -> int:
        """As `search`, for the last shard of a block: writes its file and returns the number of queries."""
        neighbors = self.search(start, stop, found)
        buffer = io.BytesIO()
        np.savez(buffer, indices=neighbors.indices, distances=neighbors.distances)
        (self._work / "neighbors" / _block_name(start)).write_bytes(buffer.getvalue())
        return stop - start


def _assemble(work: Location, num_rows: int, k: int) -> None:
    """Worker: stream the blocks into the two columns."""

    def blocks(name: str) -> Iterator[NDArray[Any]]:
        for start in range(0, num_rows, QUERY_BLOCK_ROWS):
            data = (work / "neighbors" / _block_name(start)).read_bytes()
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                yield arrays[name]

    dtype = index_dtype(num_rows)
    write_npy(work / "neighbor_indices.npy", (rows.astype(dtype) for rows in blocks("indices")), (num_rows, k), dtype)
    distances = (rows.astype(np.float32) for rows in blocks("distances"))
    write_npy(work / "neighbor_distances.npy", distances, (num_rows, k), np.dtype(np.float32))


def _approximate(work: Location, k: int, seed: int) -> float:
    """Worker: the whole graph by NN-descent; returns its measured recall."""
    from kat_ray.geometry.approximate import approximate_neighbors, measure_recall

    vectors = read_npy(work / "embeddings.npy")
    graph = approximate_neighbors(vectors, k, seed=seed)
    dtype = index_dtype(len(vectors))
    write_npy(work / "neighbor_indices.npy", iter([graph.indices.astype(dtype)]), graph.indices.shape, dtype)
    distances = graph.distances.astype(np.float32)
    write_npy(work / "neighbor_distances.npy", iter([distances]), distances.shape, distances.dtype)
    return measure_recall(vectors, graph, seed=seed).mean


def index_dtype(num_rows: int) -> np.dtype[Any]:
    """int32 while it can name every row."""
    return np.dtype(np.int32 if num_rows <= np.iinfo(np.int32).max else np.int64)


def _block_name(start: int) -> str:
    return f"{start:012d}.npz"
