from __future__ import annotations

from pathlib import Path

from kat_ray.geometry.weights import WeightConfig
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.serve.corpus import publish
from tests.serve.patience import until


def test_a_service_with_a_snapshot_is_ready(client, made):
    assert client.get("/v1/health/live").json() == {"status": "alive"}
    assert client.get("/v1/health/ready").json() == {"status": "ready", "snapshot_id": made.current, "problem": None}


def test_without_a_snapshot_it_lives_but_is_not_ready_until_one_comes(start, tmp_path):
    store = Store(Location(str(tmp_path / "later")))
    early = start(store, refresh_seconds=0.05)
    assert early.get("/v1/health/live").status_code == 200
    for path in ("/v1/health/ready", "/v1/weights", "/v1/points", "/v1/snapshots/current"):
        answer = early.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    published = publish(store, tmp_path, WeightConfig())
    answer = until(lambda: early.get("/v1/health/ready"), lambda answer: answer.status_code == 200)
    assert answer.json()["snapshot_id"] == published


def test_a_store_that_cannot_be_followed_is_told_without_its_place(store, start, made):
    asked = start(store, refresh_seconds=0.05)
    Path(store.location.path, "current").write_text("{")
    told = until(lambda: asked.get("/v1/health/ready").json(), lambda answer: answer["problem"])
    assert told["snapshot_id"] == made.current
    assert store.location.path not in told["problem"]
