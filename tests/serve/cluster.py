"""The service on Ray Serve with two replicas, in an embedded cluster of this process, and ways to ask and disturb it.

Replicas also listen on ports of their own ("direct ingress"), so that each can be asked by itself.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psutil
import pytest
import urllib3

from kat_ray.engine.session import session
from kat_ray.ports import usable_port
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.app import deployed
from serve.settings import ServiceSettings
from serve.tokens import Tokens
from tests.serve.stores import publish

READ, PUBLISH = "token-that-may-read", "token-that-may-publish"
NUM_SNAPSHOTS = 6
NUM_REPLICAS = 2
_FIRST_REPLICA_PORT, _LAST_REPLICA_PORT = 30000, 31000
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "1",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
}
_CONNECTIONS = urllib3.PoolManager(maxsize=16)


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, method: str, path: str, body: object = None, token: str | None = READ, **headers: str) -> Reply:
    """One request without retries; a body that is not bytes goes as JSON. Header names have _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {"authorization": f"Bearer {token}"} if token else {}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent["content-type"] = "application/json"
    answer = _CONNECTIONS.request(method, url + path, headers=sent, body=body, retries=False, timeout=20.0)
    return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


class Tally:
    """What came of work that was repeated."""

    def __init__(self) -> None:
        self.done = 0
        self.failures: list[str] = []


@contextmanager
def load(*works: Callable[[], None]) -> Iterator[Tally]:
    """Repeat each work in a thread of its own for the length of the block."""
    tally, ended, counting = Tally(), threading.Event(), threading.Lock()

    def repeat(work: Callable[[], None]) -> None:
        while not ended.is_set():
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                tally.failures.append(repr(error))
            with counting:
                tally.done += 1

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        ended.set()
        for thread in threads:
            thread.join()


class RunningService(NamedTuple):
    """A service on Ray Serve over a store of several snapshots of the same prompts."""

    url: str
    settings: ServiceSettings
    store: Store
    snapshots: list[str]

    def replicas(self) -> list[psutil.Process]:
        """Processes of the replicas that have a port."""
        return [process for process in _children() if "ServeReplica" in _title(process) and _ports(process)]

    def replica_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for process in self.replicas() for port in _ports(process)]

    def current(self) -> set[str]:
        """What the replicas serve."""
        return {ask(url, "GET", "/v1/health/ready").json["snapshot_id"] for url in self.replica_urls()}

    def is_whole(self, without: psutil.Process | None = None) -> bool:
        """Whether all replicas answer, none of them the one that was killed."""
        replicas = self.replicas()
        if len(replicas) != NUM_REPLICAS or without in replicas:
            return False
        try:
            return all(ask(url, "GET", "/v1/health/ready").status == 200 for url in self.replica_urls())
        except urllib3.exceptions.HTTPError:
            return False


@pytest.fixture(scope="package")
def ray_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One for all tests of this folder: starting takes seconds."""
    folder = tmp_path_factory.mktemp("ray-service")
    store = Store(Location(str(folder / "store")))
    snapshots = [publish(store, folder, number) for number in range(NUM_SNAPSHOTS)]
    settings = ServiceSettings(
        store.location.uri,
        port=usable_port("127.0.0.1"),
        refresh_seconds=0.1,
        tokens=Tokens.of(read=[READ], publish=[PUBLISH]),
    )
    with ray_environment(), session("local"), deployed(settings, NUM_REPLICAS, embedded=True) as service:
        running = RunningService(service.url, settings, store, snapshots)
        assert service.snapshot_id == snapshots[-1]
        wait_until(running.is_whole)
        yield running


@contextmanager
def ray_environment(**more: str) -> Iterator[None]:
    """No cluster to trip over, and no token of this machine's user."""
    saved = dict(os.environ)
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        os.environ.pop(name, None)
    os.environ.update(_ENVIRONMENT | more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def listening(processes: list[psutil.Process]) -> list[tuple[psutil.Process, str, int]]:
    """Process, address and port of all that listens there."""
    found = []
    for process in processes:
        try:
            connections = process.net_connections("inet")
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        found += [(process, *each.laddr) for each in connections if each.status == psutil.CONN_LISTEN]
    return found


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def _ports(process: psutil.Process) -> list[int]:
    """The port that a replica has for HTTP, once it is ready."""
    ports = [port for _, _, port in listening([process])]
    return [port for port in ports if _FIRST_REPLICA_PORT <= port < _LAST_REPLICA_PORT]
