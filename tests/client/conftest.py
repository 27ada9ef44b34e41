"""A service on loopback over the twelve points, with a folder of its own as cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kat_ray.client.weights_client import WeightsClient
from kat_ray.snapshot import columns
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.manifest import COLUMN_FILES
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.client.service import TinyService
from tests.snapshot.conftest import write_columns

Publish = Callable[[int], str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store whose current snapshot is the twelve points."""
    store = Store(Location(str(tmp_path / "store")))
    store.publish(Location(str(tmp_path / "work")), write_columns(tmp_path / "work"))
    return store


@pytest.fixture
def publish(store: Store, tmp_path: Path) -> Publish:
    """Publish the same points with other weights, which a number decides; gives the id of the snapshot."""

    def publish(number: int) -> str:
        work = Location(str(tmp_path / f"work-{number}"))
        manifest = write_columns(work.path, number=number)
        weights = np.random.default_rng(number).random(12) + 0.1
        columns.write_npy(work / COLUMN_FILES["weights"], [weights / weights.sum()], (12,), np.dtype(np.float64))
        records = tuple(record_column(record.name, work / record.file) for record in manifest.columns)
        return store.publish(work, replace(manifest, columns=records)).snapshot_id

    return publish


@pytest.fixture
def service(store: Store) -> Iterator[TinyService]:
    """The store over HTTP."""
    service = TinyService(store)
    service.start()
    yield service
    service.stop()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that clients use when they name none."""
    monkeypatch.setenv("KAT_RAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def client(service: TinyService, cache: Path) -> WeightsClient:
    """A client of the service, with the weights in hand."""
    return WeightsClient(service.url, timeout_seconds=2.0)
