"""What a cluster offers is asked of the cluster; what is missing is an error in seconds that names the fix."""

from __future__ import annotations

import builtins
import socket
import time
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from ray.cluster_utils import Cluster
from ray.experimental import tqdm_ray

from kat_ray.engine.session import (
    count_workers,
    current_cluster,
    require_shared,
    resolve_address,
    resolve_device,
    session,
)
from kat_ray.errors import ResourceError
from kat_ray.storage import Location
from tests.engine.conftest import start_cluster


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Cluster]:
    cluster = start_cluster({"num_cpus": 1}, {"num_cpus": 2, "num_gpus": 1})
    with session(cluster.address):
        yield cluster
    cluster.shutdown()


def test_a_cluster_is_the_sum_of_its_living_nodes(two_nodes: Cluster) -> None:
    cluster = current_cluster()
    assert (cluster.num_nodes, cluster.num_cpus, cluster.num_gpus) == (2, 3, 1)
    assert str(cluster) == "2 node(s), 3 CPU(s), 1 GPU(s)"
    assert [cluster.num_devices("cpu"), cluster.num_devices("gpu")] == [3, 1]


def test_ray_leaves_print_as_it_is_so_that_numba_still_compiles_it(two_nodes: Cluster) -> None:
    tqdm_ray.instance()  # which Ray makes when a worker first says something
    assert type(builtins.print) is types.BuiltinFunctionType


def test_auto_takes_the_gpus_that_are_declared(two_nodes: Cluster) -> None:
    assert resolve_device("auto") == "gpu"
    assert resolve_device("cpu") == "cpu"
    assert count_workers("gpu") == 1
    assert count_workers("cpu", requested=2) == 2


def test_more_workers_than_the_cluster_has_devices_is_an_error(two_nodes: Cluster) -> None:
    with pytest.raises(ResourceError, match=r"Asked for 2 GPU\(s\), but the cluster has 1 .*--wait-seconds"):
        count_workers("gpu", requested=2)


def test_waiting_ends_as_soon_as_the_hardware_has_come_and_at_the_deadline(two_nodes: Cluster) -> None:
    started = time.monotonic()
    with pytest.raises(ResourceError, match="Asked for 3 GPU"):
        count_workers("gpu", requested=3, wait_seconds=1.5)
    assert 1.5 <= time.monotonic() - started < 60
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(count_workers, "gpu", requested=3, wait_seconds=250)
        two_nodes.add_node(num_cpus=0, num_gpus=2)
        assert waiting.result() == 3


@pytest.mark.parametrize("path", ["/data/pairs.jsonl", "pairs.jsonl", "file:///data/store"])
def test_a_path_of_one_machine_is_refused_on_several_nodes(two_nodes: Cluster, path: str) -> None:
    with pytest.raises(ResourceError, match=r"\d nodes that do not share it\. Use storage .* s3://"):
        require_shared([Location("s3://bucket/pairs"), Location(path)])


def test_storage_that_all_nodes_reach_is_accepted(two_nodes: Cluster) -> None:
    require_shared([Location("s3://bucket/pairs"), Location("gs://bucket/store")])


def test_an_address_comes_from_the_option_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_address(None) == "local"
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert resolve_address(None) == "127.0.0.1:1"
    assert resolve_address("10.0.0.1:6379") == "10.0.0.1:6379"


def test_an_address_where_nothing_answers_is_an_error_in_seconds() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(ResourceError, match=f"Nothing answers at {address}.*ray start --head"), session(address):
        pass
    assert time.monotonic() - started < 30
