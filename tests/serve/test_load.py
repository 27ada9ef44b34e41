"""What a request costs: many ids in Arrow against one id in JSON, through Ray Serve and through uvicorn alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pytest

from benchmark.servers.traffic import Figures, Request, measure
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.snapshot.wire import encode_ids
from kat_ray.storage import Location
from tests.serve.cluster import listening
from tests.serve.process import plain_uvicorn, started_service
from tests.serve.stores import publish

REPLICA_PORTS = {
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "1",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
}
JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"


class Place(NamedTuple):
    """A server of the same app."""

    name: str
    url: str


def requests(ids: Sequence[str], sizes: Sequence[int]) -> list[Request]:
    """One id in JSON, then each number of ids in JSON and in Arrow."""
    made = [Request("JSON", 1, json.dumps({"ids": list(ids[:1])}).encode(), JSON)]
    for size in sizes:
        made.append(Request("JSON", size, json.dumps({"ids": list(ids[:size])}).encode(), JSON))
        made.append(Request("Arrow", size, encode_ids(list(ids[:size])), ARROW))
    return made


def _large_store(folder: Path, num_prompts: int) -> tuple[Store, list[str]]:
    store = Store(Location(str(folder / "store")))
    publish(store, folder, 0, num_prompts)
    ids = Snapshot.open(store.location).ids
    rows = np.random.default_rng(0).permutation(num_prompts)[:100_000]
    return store, ids.take(rows).to_pylist()


def _replica_place(processes: list[psutil.Process]) -> list[Place]:
    ports = {port for _, _, port in listening(processes) if 30000 <= port < 31000}
    return [Place("replica's own port", f"http://127.0.0.1:{port}") for port in ports]


def test_many_ids_a_request_carry_more_than_one_id_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    store, ids = _large_store(tmp_path, 3000)
    with plain_uvicorn(store.location.uri) as plain:
        one, _, many = [measure(plain.url, request, 1.0, tmp_path) for request in requests(ids, [1000])]
    assert one.num_failed == many.num_failed == 0
    assert many.requests_per_second * 1000 >= 20 * one.requests_per_second


@pytest.mark.long
def test_ten_thousand_ids_a_request_carry_200_times_as_many_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, ids = _large_store(tmp_path, 253_110)
    asked = requests(ids, [1000, 10_000])
    figures: dict[tuple[str, str, int], Figures] = {}
    with plain_uvicorn(store.location.uri) as plain:
        _measure_all([Place("uvicorn", plain.url)], asked, figures, tmp_path)
    with started_service(tmp_path, store.location.uri, "--port", 0, **REPLICA_PORTS) as service:
        places = [Place("Ray Serve", service.url), *_replica_place(service.processes)]
        _measure_all(places, asked, figures, tmp_path)
    with capsys.disabled():
        print(f"\nready {plain.ready_seconds:.2f} s after the imports; {psutil.cpu_count()} CPUs\n{_table(figures)}")
    assert not any(found.num_failed for found in figures.values())
    for place in ("uvicorn", "Ray Serve"):
        one, many = figures[place, "JSON", 1], figures[place, "Arrow", 10_000]
        assert many.requests_per_second * 10_000 >= 200 * one.requests_per_second
    assert plain.ready_seconds < 2.0


def _measure_all(
    places: list[Place], asked: list[Request], figures: dict[tuple[str, str, int], Figures], folder: Path
) -> None:
    for place in places:
        for request in asked:
            figures[place.name, request.name, request.num_ids] = measure(place.url, request, 5.0, folder)


def _table(figures: dict[tuple[str, str, int], Figures]) -> str:
    lines = [
        f"{'server':<20}{'form':<7}{'ids':>7}{'requests/s':>12}{'ids/s':>14}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}"
    ]
    for (place, form, num_ids), found in figures.items():
        rate = found.requests_per_second
        times = f"{found.p50:>9.2f}{found.p99:>9.2f}{found.num_failed:>8}"
        lines.append(f"{place:<20}{form:<7}{num_ids:>7,}{rate:>12,.0f}{rate * num_ids:>14,.0f}{times}")
    return "\n".join(lines)
