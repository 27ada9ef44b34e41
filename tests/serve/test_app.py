"""Through Ray's proxy, a handle or a replica's own port, it is one app: same answers, same checks."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import ray
from fastapi import FastAPI
from fastapi.testclient import TestClient
from ray.serve import get_app_handle
from ray.serve.schema import ApplicationStatusOverview, DeploymentStatusOverview, ServeStatus

from kat_ray.client.transport import HandleTransport
from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import ResourceError, ServiceRefusedError
from kat_ray.records import prompt_id
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.app import APPLICATION, Replica, application, deployed
from serve.settings import ServiceSettings
from tests.serve.cluster import NUM_REPLICAS, PUBLISH, READ, RunningService, ask, listening
from tests.serve.stores import publish
from tests.snapshot.conftest import TEXTS

IDS = [*map(prompt_id, TEXTS), "00000000000000ff"]
LOOKUP = {"ids": IDS}
DRAW = {"n": 500, "seed": 3, "epoch": 1}


@ray.remote(num_cpus=0)
class Trainer:
    """A trainer in an actor of the same cluster."""

    def __init__(self, cache: str) -> None:
        transport = HandleTransport(get_app_handle(APPLICATION), token=READ)
        self._client = WeightsClient(transport, cache=cache)

    def train(self) -> tuple[str, np.ndarray, list[str]]:
        return self._client.snapshot_id, self._client.weights(IDS).weights, self._client.draw(**DRAW).ids.to_pylist()


@pytest.fixture
def handle(ray_service: RunningService) -> HandleTransport:
    return HandleTransport(get_app_handle(APPLICATION), token=READ)


def test_a_trainer_in_an_actor_gets_by_handle_what_others_get_by_http(
    ray_service: RunningService, tmp_path: Path
) -> None:
    trainer = Trainer.remote(str(tmp_path / "actor"))
    snapshot_id, weights, drawn = ray.get(trainer.train.remote())
    client = WeightsClient(ray_service.url, token=READ, cache=tmp_path / "http")
    assert snapshot_id == client.snapshot_id
    np.testing.assert_array_equal(weights, client.weights(IDS).weights)
    assert drawn == client.draw(**DRAW).ids.to_pylist()
    assert drawn == ask(ray_service.url, "POST", "/v1/draws", DRAW).json["ids"]


def test_a_handle_and_the_proxy_give_the_same_answer(ray_service: RunningService, handle: HandleTransport) -> None:
    headers = {"content-type": "application/json"}
    by_handle = handle.request("POST", "/v1/weights", headers=headers, body=json.dumps(LOOKUP).encode())
    assert by_handle.body == ask(ray_service.url, "POST", "/v1/weights", LOOKUP).body


def test_the_same_request_has_the_same_answer_on_every_replica(ray_service: RunningService) -> None:
    urls = ray_service.replica_urls()
    assert len(urls) == NUM_REPLICAS
    for path, body in {"/v1/draws": DRAW, "/v1/weights": LOOKUP}.items():
        answers = {ask(url, "POST", path, body).body for url in [*urls, ray_service.url]}
        assert len(answers) == 1


def test_no_way_to_a_replica_goes_around_its_tokens(ray_service: RunningService) -> None:
    for url in [ray_service.url, *ray_service.replica_urls()]:
        assert ask(url, "POST", "/v1/weights", LOOKUP, token=None).status == 401
        assert ask(url, "POST", "/v1/weights", LOOKUP, token="a-token-of-nobody").status == 401
        assert ask(url, "POST", "/v1/weights", LOOKUP).status == 200
        body = {"snapshot_id": ray_service.snapshots[-1]}
        assert ask(url, "PUT", "/v1/snapshots/current", body).status == 403
        assert ask(url, "PUT", "/v1/snapshots/current", body, token=PUBLISH).status == 200
        assert ask(url, "GET", "/v1/health/live", token=None).status == 200


def test_a_handle_needs_a_token_as_well(ray_service: RunningService) -> None:
    stranger = HandleTransport(get_app_handle(APPLICATION))
    with pytest.raises(ServiceRefusedError, match="401"):
        stranger.request("GET", "/v1/weights")


def test_what_ray_answers_by_itself_holds_no_data(ray_service: RunningService) -> None:
    assert ask(ray_service.url, "GET", "/-/healthz", token=None).body == b"success"
    assert ask(ray_service.url, "GET", "/-/routes", token=None).json == {"/": APPLICATION}


def test_replicas_listen_on_loopback_alone(ray_service: RunningService) -> None:
    places = {address.removeprefix("::ffff:") for _, address, _ in listening(ray_service.replicas())}
    assert places == {"127.0.0.1"}


def test_a_second_service_on_the_same_cluster_is_refused(ray_service: RunningService) -> None:
    with pytest.raises(ResourceError, match=r"runs on this cluster already, with kat-ray.*serve shutdown"):
        deployed(ray_service.settings).__enter__()


def test_a_changed_user_config_makes_a_replica_look_for_a_new_snapshot(tmp_path: Path) -> None:
    store = Store(Location(str(tmp_path / "store")))
    first, second = publish(store, tmp_path, 0), publish(store, tmp_path, 1)
    replica = Replica(ServiceSettings(store.location.uri, refresh_seconds=3600))
    with TestClient(replica.__serve_build_asgi_app__(), "http://localhost") as client:
        assert client.get("/v1/health/ready").json()["snapshot_id"] == second
        store.set_current(first)
        assert client.get("/v1/health/ready").json()["snapshot_id"] == second
        asyncio.run(replica.reconfigure({"look": 2}))
        assert client.get("/v1/health/ready").json()["snapshot_id"] == first


def test_a_replica_is_healthy_as_long_as_its_app_is_alive(
    ray_service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(Replica(ray_service.settings).check_health())
    monkeypatch.setattr("serve.app.make_app", lambda _: FastAPI())
    with pytest.raises(RuntimeError, match=r"404.*expected 200"):
        asyncio.run(Replica(ray_service.settings).check_health())


def test_a_replica_is_healthy_from_its_first_snapshot_on_even_when_the_store_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.app.FIRST_SECONDS", 0.0)
    store = Store(Location(str(tmp_path / "store")))
    replica = Replica(ServiceSettings(store.location.uri, refresh_seconds=3600))
    with pytest.raises(ResourceError, match=r"No snapshot can be opened\. There is no snapshot at"):
        asyncio.run(replica.check_health())
    publish(store, tmp_path)
    asyncio.run(replica.check_health())
    shutil.rmtree(store.location.path)
    asyncio.run(replica.check_health())


def test_a_replica_that_cannot_start_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = "The deployment failed to start 3 times in a row.\nTraceback\nkat_ray.errors.InputError: The disk is full."
    failed = DeploymentStatusOverview("UNHEALTHY", "UNSPECIFIED", {}, trace)  # type: ignore[arg-type]
    state = ApplicationStatusOverview("DEPLOY_FAILED", "See above.", 0.0, {"Service": failed})  # type: ignore[arg-type]
    told = iter([ServeStatus(), ServeStatus(applications={APPLICATION: state})])
    monkeypatch.setattr("ray.serve.status", lambda: next(told))
    monkeypatch.setattr("serve.app._start", lambda *_: None)
    monkeypatch.setattr("serve.app._end", lambda *_: None)
    with pytest.raises(ResourceError, match=r"^The service does not start: The disk is full\.$"):
        deployed(ServiceSettings("store")).__enter__()


def test_no_log_holds_what_was_asked(ray_service: RunningService) -> None:
    secret = "a-word-that-stands-nowhere-else"
    for url in [ray_service.url, *ray_service.replica_urls()]:
        ask(url, "POST", "/v1/search", {"text": secret, "mode": "substring"})
        ask(url, "POST", "/v1/density", {"texts": [secret], "more": secret})
        ask(url, "GET", f"/v1/prompts/{secret}")
        ask(url, "POST", "/v1/weights", {"ids": [secret]}, token=secret)
    logs = Path(ray._private.worker.global_worker.node.get_logs_dir_path())
    texts = {path: path.read_bytes() for path in logs.rglob("*") if path.is_file()}
    assert any("serve" in path.parts for path in texts)
    assert [path for path, text in texts.items() if secret.encode() in text] == []


def test_what_the_service_tells_of_itself_stands_in_the_logs_of_ray_serve(ray_service: RunningService) -> None:
    logs = Path(ray._private.worker.global_worker.node.get_logs_dir_path(), "serve")
    assert any("The current snapshot is" in path.read_text() for path in logs.glob("replica_*.log"))


def test_no_log_of_a_deployment_holds_requests() -> None:
    deployment = application(ServiceSettings("store"))._bound_deployment
    assert deployment._deployment_config.logging_config["enable_access_log"] is False
