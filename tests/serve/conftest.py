"""A store of sixty prompts that can be asked in process, as it is or as a copy that a test may change."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.http import make_app
from serve.settings import ServiceSettings
from serve.tokens import LOG
from tests.serve.cluster import ray_service  # noqa: F401
from tests.serve.corpus import write_store

Ask = Callable[..., TestClient]


class Made(NamedTuple):
    """A store that no test changes, its current snapshot, and an older one."""

    store: Store
    current: str
    older: str


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(*write_store(tmp_path_factory.mktemp("served")))


@pytest.fixture(scope="session")
def snapshot(made: Made) -> Snapshot:
    """The current snapshot."""
    return Snapshot.open(made.store.location)


@pytest.fixture
def store(made: Made, tmp_path: Path) -> Store:
    """A copy of the store for a test that changes it."""
    shutil.copytree(made.store.location.path, tmp_path / "store")
    return Store(Location(str(tmp_path / "store")))


@pytest.fixture(scope="session")
def client(made: Made) -> Iterator[TestClient]:
    """The service over the store that no test changes, without tokens."""
    settings = ServiceSettings(made.store.location.path, refresh_seconds=3600)
    with TestClient(make_app(settings), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.LogCaptureFixture]:
    """What the services log, whatever other tests of this process did to the loggers."""
    monkeypatch.setattr(LOG, "disabled", False)
    monkeypatch.setattr(LOG, "propagate", False)
    caplog.set_level(logging.INFO, LOG.name)
    LOG.addHandler(caplog.handler)
    yield caplog
    LOG.removeHandler(caplog.handler)


@pytest.fixture
def start() -> Iterator[Ask]:
    """Start a service over a store with settings of one's own."""
    with ExitStack() as stack:

        def open_service(store: Store | str, **settings: Any) -> TestClient:
            place = store.location.path if isinstance(store, Store) else store
            made = ServiceSettings(place, **{"refresh_seconds": 3600, **settings})
            return stack.enter_context(TestClient(make_app(made), base_url="http://localhost"))

        yield open_service
