"""The graph is exact and has the same bytes for any number of shards, whatever dies on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import ray
from numpy.typing import NDArray
from ray import cloudpickle
from ray.cluster_utils import Cluster

from kat_ray.engine.neighbors import NeighborsSummary, find_neighbors, index_dtype
from kat_ray.engine.session import session
from kat_ray.errors import SnapshotDamagedError
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.storage import Location
from tests.engine.conftest import start_cluster
from tests.engine.disturbance import Disturbance, kill_one

cloudpickle.register_pickle_by_value(sys.modules[__name__])

COLUMNS = ("neighbor_indices.npy", "neighbor_distances.npy")
K = 10


def vectors_of(count: int, dimension: int = 256, seed: int = 1) -> NDArray[np.float32]:
    """Unit rows, every seventh of them a copy of the one before."""
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[7::7] = rows[6:-1:7][: len(rows[7::7])]
    return rows


def run(folder: Path, vectors: NDArray[np.float32], workers: int = 2, k: int = K) -> NeighborsSummary:
    folder.mkdir(exist_ok=True)
    np.save(folder / "embeddings.npy", vectors)
    return find_neighbors(Location(str(folder)), k, "exact", "cpu", workers, seed=0)


def assert_same_columns(folder: Path, expected: Path) -> None:
    for name in COLUMNS:
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = start_cluster({"num_cpus": 2}, {"num_cpus": 1})
    with session(cluster.address):
        yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def large() -> NDArray[np.float32]:
    return vectors_of(14_000)


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster, large: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder, large)
    return folder


def test_any_number_of_shards_gives_the_graph_of_one_process(cluster: Cluster, tmp_path: Path) -> None:
    vectors = vectors_of(2500)
    expected = exact_neighbors(vectors, K)
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        summary = run(folder, vectors, workers)
        assert (summary.k, summary.recall) == (K, None)
        np.testing.assert_array_equal(np.load(folder / "neighbor_indices.npy"), expected.indices)
        np.testing.assert_array_equal(np.load(folder / "neighbor_distances.npy"), expected.distances.astype(np.float32))


@pytest.mark.parametrize("count", [1, 3])
def test_k_is_clamped_to_the_other_rows(cluster: Cluster, tmp_path: Path, count: int) -> None:
    assert run(tmp_path, vectors_of(count)).k == count - 1
    indices = np.load(tmp_path / "neighbor_indices.npy")
    assert indices.shape == (count, count - 1)
    assert indices.dtype == np.int32
    assert all(sorted([row, *others]) == list(range(count)) for row, others in enumerate(indices.tolist()))


def test_row_numbers_grow_to_64_bits_only_where_they_must() -> None:
    assert index_dtype(2**31 - 1) == np.int32
    assert index_dtype(2**31) == np.int64


def test_a_finished_stage_is_not_done_again(undisturbed: Path) -> None:
    node = (undisturbed / "neighbor_indices.npy").stat().st_ino
    assert find_neighbors(Location(str(undisturbed)), K, "exact", "cpu", 2, seed=0).k == K
    assert (undisturbed / "neighbor_indices.npy").stat().st_ino == node
    assert not (undisturbed / "neighbors").exists()


def test_a_killed_shard_costs_only_the_blocks_in_flight(
    undisturbed: Path, large: NDArray[np.float32], tmp_path: Path
) -> None:
    with Disturbance(tmp_path, 3, kill_one("_IndexShard")) as disturbance:
        run(tmp_path, large)
    assert not disturbance.rewritten
    assert_same_columns(tmp_path, undisturbed)


def test_a_removed_node_does_not_stop_the_search(
    cluster: Cluster, undisturbed: Path, large: NDArray[np.float32], tmp_path: Path
) -> None:
    node = cluster.list_all_nodes()[-1]
    with Disturbance(tmp_path, 3, lambda: cluster.remove_node(node, allow_graceful=False)) as disturbance:
        run(tmp_path, large, workers=3)
    assert not disturbance.rewritten
    assert_same_columns(tmp_path, undisturbed)
    cluster.add_node(num_cpus=1)


def test_a_damaged_matrix_is_an_error_at_once(cluster: Cluster, tmp_path: Path) -> None:
    np.save(tmp_path / "embeddings.npy", vectors_of(100))
    with (tmp_path / "embeddings.npy").open("ab") as stream:
        stream.truncate(5000)
    with pytest.raises(SnapshotDamagedError, match=r"embeddings\.npy has 5,000 bytes"):
        find_neighbors(Location(str(tmp_path)), K, "exact", "cpu", 2, seed=0)


def test_two_searches_that_need_the_same_workers_take_turns(cluster: Cluster, tmp_path: Path) -> None:
    """Each needs all CPUs: holding some of them while waiting for the others, both would wait for ever."""
    vectors = vectors_of(3000)
    num_cpus = int(ray.cluster_resources()["CPU"])
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(run, tmp_path / name, vectors, num_cpus) for name in ("one", "two")]
        assert [done.result(timeout=200).k for done in both] == [K, K]
    assert_same_columns(tmp_path / "one", tmp_path / "two")
