"""Stage 3: the neighbor graph, from index shards on their own workers and query blocks that pass through all of them.

    block -> shard 0 -> shard 1 -> … -> the last one writes the block's file

Each shard merges its exact part into what the ones before found, so any number of shards gives the same graph, and
finished blocks are kept by a rerun. Memory: a worker holds N / num_workers rows; the driver one number a block.
The approximate index is one worker with the whole matrix.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import ray
from numpy.typing import NDArray
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
from tqdm import tqdm

from kat_ray.engine.growth import grow_neighbors, join_ranges, plan_growth
from kat_ray.engine.session import count_workers, current_cluster
from kat_ray.engine.tasks import WorkersLostError, progress_bar, run_attempts, run_task
from kat_ray.geometry.neighbors import ExactIndex, Neighbors, merge
from kat_ray.snapshot.columns import read_npy, read_npy_header, write_npy
from kat_ray.storage import Location

QUERY_BLOCK_ROWS = 1024
STALL_SECONDS = 2.0
IndexKind = Literal["exact", "approximate"]
DeviceKind = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class NeighborsSummary:
    """The stored graph: K neighbors after clamping; recall is measured for an approximate index, None when exact."""

    k: int
    recall: float | None
    seconds: float


def find_neighbors(
    work: Location,
    k: int,
    index: IndexKind,
    device: DeviceKind,
    num_workers: int,
    seed: int,
    snapshots: Sequence[Location] = (),
) -> NeighborsSummary:
    """Write neighbor_indices.npy and neighbor_distances.npy [N, min(k, N - 1)] below `work`, from embeddings.npy.

    `snapshots` are whole folders of the same encoder with an exact graph of at least k neighbors; an exact graph is
    grown from one of them where that saves work.
    """
    record = work / "neighbors.json"
    if record.exists():
        return NeighborsSummary(**json.loads(record.read_bytes()))
    started = time.perf_counter()
    num_rows = read_npy_header(work / "embeddings.npy").shape[0]
    k = min(k, num_rows - 1)
    recall = None
    former = run_task(plan_growth, work, list(snapshots), k) if index == "exact" and snapshots and k else None
    if former is not None:
        run_task(_join, work, grow_neighbors(work, former, k, device, num_workers), k)
    elif index == "exact":
        stage = _ShardedSearch(work, num_rows, k, device, num_workers)
        run_attempts("neighbors", stage.remaining, stage.search)
        run_task(_assemble, work, num_rows, k)
    else:
        recall = run_task(_approximate, work, k, seed)
    summary = NeighborsSummary(k=k, recall=recall, seconds=time.perf_counter() - started)
    record.write_bytes(json.dumps(asdict(summary)).encode())
    (work / "neighbors").delete()
    return summary


@dataclass(frozen=True, slots=True)
class _Queries:
    """A block of rows that look for their neighbors."""

    start: int
    stop: int

    @property
    def file(self) -> str:
        """Name of the block's finished part of the graph."""
        return f"{self.start:012d}.npz"

    def __str__(self) -> str:
        return f"rows {self.start:,} to {self.stop - 1:,}"


class _ShardedSearch:
    """The query blocks of one corpus and how to answer those that are left."""

    def __init__(self, work: Location, num_rows: int, k: int, device: DeviceKind, num_workers: int) -> None:
        self._work, self._num_rows, self._k = work, num_rows, k
        self._device, self._num_workers = device, num_workers

    def remaining(self) -> list[_Queries]:
        """Blocks without a file, in row order."""
        finished = {name for name, _ in (self._work / "neighbors").children()}
        return [block for block in _blocks(self._num_rows) if block.file not in finished]

    def search(self, blocks: Sequence[_Queries]) -> None:
        """One attempt over `blocks` with as many shards as the cluster can hold now."""
        with self._shards() as shards, self._bar() as bar:
            running: dict[Any, None] = {}
            for block in blocks:
                running[self._submit(shards, block)] = None
                if len(running) >= 2 * len(shards):
                    bar.update(self._take_one(running, len(shards)))
            while running:
                bar.update(self._take_one(running, len(shards)))

    @contextmanager
    def _shards(self) -> Iterator[list[Any]]:
        """Index shards that are placed all at once or not at all, so that two jobs cannot block each other half-way."""
        count = min(self._num_workers, count_workers(self._device), self._num_rows)
        hardware = {"num_gpus": 1, "num_cpus": 0} if self._device == "gpu" else {"num_cpus": 1}
        group = placement_group([{self._device.upper(): 1}] * count, strategy="SPREAD")
        try:
            self._await_placement(group, count)
            place = PlacementGroupSchedulingStrategy(placement_group=group)
            actor = ray.remote(_IndexShard).options(
                max_restarts=0, allow_out_of_order_execution=True, scheduling_strategy=place, **hardware
            )
            edges = np.linspace(0, self._num_rows, count + 1).astype(int).tolist()
            yield [actor.remote(self._work, start, stop, self._k, self._device) for start, stop in pairwise(edges)]
        finally:
            remove_placement_group(group)  # ends its actors, too

    def _await_placement(self, group: PlacementGroup, count: int) -> None:
        if group.wait(STALL_SECONDS):
            return
        tqdm.write(f"neighbors: waiting for {count} {self._device.upper()}(s) to become free.", file=sys.stderr)
        while not group.wait(STALL_SECONDS):
            self._require_room(count)

    def _submit(self, shards: list[Any], block: _Queries) -> Any:
        found = None
        first = (block.start // QUERY_BLOCK_ROWS) % len(shards)  # blocks enter at different shards: all have work
        order = shards[first:] + shards[:first]
        for shard in order[:-1]:
            found = shard.search.remote(block, found)
        return order[-1].finish.remote(block, found)

    def _take_one(self, running: dict[Any, None], num_shards: int) -> int:
        while True:
            ready, _ = ray.wait(list(running), timeout=STALL_SECONDS)
            if ready:
                del running[ready[0]]
                return int(ray.get(ready[0]))
            self._require_room(num_shards)

    def _require_room(self, num_shards: int) -> None:
        cluster = current_cluster()
        if cluster.num_devices(self._device) < num_shards:
            raise WorkersLostError(f"{num_shards} index shards no longer fit into the cluster ({cluster}).")

    def _bar(self) -> tqdm[Any]:
        left = sum(block.stop - block.start for block in self.remaining())
        return progress_bar("neighbors", self._num_rows, initial=self._num_rows - left)


class _IndexShard:
    """Actor: rows start..stop of the corpus."""

    def __init__(self, work: Location, start: int, stop: int, k: int, device: DeviceKind) -> None:
        self._work, self._start, self._stop, self._k, self._device = work, start, stop, k, device

    @cached_property
    def _index(self) -> ExactIndex:
        """Made with the first block: what an actor raises while it starts reaches the driver as a lost worker."""
        rows = read_npy(self._work / "embeddings.npy", self._start, self._stop)
        return ExactIndex(rows, self._start, device=self._device)

    def search(self, block: _Queries, found: Neighbors | None) -> Neighbors:
        """Neighbors of the queries among the rows here, merged into those of the shards before."""
        queries = read_npy(self._work / "embeddings.npy", block.start, block.stop)
        reach = None if found is None else found.distances[:, -1]
        here = self._index.search(queries, np.arange(block.start, block.stop), self._k, reach)
        return here if found is None else merge(found, here, self._k)

    def finish(self, block: _Queries, found: Neighbors | None) -> int:
        """As `search`, for the last shard of a block: writes its file and returns the number of queries."""
        neighbors = self.search(block, found)
        buffer = io.BytesIO()
        np.savez(buffer, indices=neighbors.indices, distances=neighbors.distances)
        (self._work / "neighbors" / block.file).write_bytes(buffer.getvalue())
        return block.stop - block.start


def _assemble(work: Location, num_rows: int, k: int) -> None:
    """Worker: stream the blocks into the two columns."""

    def parts(name: str) -> Iterator[NDArray[Any]]:
        for block in _blocks(num_rows):
            data = (work / "neighbors" / block.file).read_bytes()
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                yield arrays[name]

    dtype = index_dtype(num_rows)
    write_npy(work / "neighbor_indices.npy", (rows.astype(dtype) for rows in parts("indices")), (num_rows, k), dtype)
    distances = (rows.astype(np.float32) for rows in parts("distances"))
    write_npy(work / "neighbor_distances.npy", distances, (num_rows, k), np.dtype(np.float32))


def _join(work: Location, files: list[str], k: int) -> None:
    """Worker: the columns of a grown graph."""
    _write_graph(work, join_ranges(work, files, k))


def _approximate(work: Location, k: int, seed: int) -> float:
    """Worker: the whole graph in one process with all threads; returns its measured recall."""
    from kat_ray.geometry.approximate import approximate_neighbors
    from kat_ray.geometry.recall import measure_recall

    vectors = read_npy(work / "embeddings.npy")
    graph = approximate_neighbors(vectors, k, seed=seed)
    _write_graph(work, graph)
    return measure_recall(vectors, graph, seed=seed).mean


def _write_graph(work: Location, graph: Neighbors) -> None:
    indices, distances = graph.indices.astype(index_dtype(len(graph.indices))), graph.distances.astype(np.float32)
    write_npy(work / "neighbor_indices.npy", iter([indices]), indices.shape, indices.dtype)
    write_npy(work / "neighbor_distances.npy", iter([distances]), distances.shape, distances.dtype)


def index_dtype(num_rows: int) -> np.dtype[Any]:
    """int32 while it can name every row."""
    return np.dtype(np.int32 if num_rows <= np.iinfo(np.int32).max else np.int64)


def _blocks(num_rows: int) -> list[_Queries]:
    starts = range(0, num_rows, QUERY_BLOCK_ROWS)
    return [_Queries(start, min(start + QUERY_BLOCK_ROWS, num_rows)) for start in starts]
