"""serve/config.yaml: it deploys this application, keeps requests out of logs, and real Ray takes it."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from ray.serve.schema import ServeDeploySchema

from kat_ray.errors import InputError
from kat_ray.ports import usable_port
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.app import APPLICATION, build
from serve.tokens import PUBLISH_VARIABLE, READ_VARIABLE
from tests.engine.head import BIN, Head, running_head
from tests.serve.cluster import PUBLISH, READ, ask, ray_environment, wait_until
from tests.serve.process import CHECKOUT
from tests.serve.stores import publish

TEXT = (CHECKOUT / "serve" / "config.yaml").read_text("utf-8")


@pytest.fixture
def config() -> dict[str, Any]:
    return dict(yaml.safe_load(TEXT))


@pytest.fixture
def tokens_file(tmp_path: Path) -> str:
    path = tmp_path / "tokens"
    path.write_text(f"read {READ}\npublish {PUBLISH}\n")
    return str(path)


def test_the_configuration_deploys_this_application(config: dict[str, Any], tokens_file: str) -> None:
    (settings,) = ServeDeploySchema.model_validate(config).applications
    module, name = settings.import_path.split(":")
    assert getattr(importlib.import_module(module), name) is build
    assert settings.name == APPLICATION
    built = build({**settings.args, "tokens_file": tokens_file})
    assert [part.name for part in settings.deployments] == [built._bound_deployment.name]


def test_the_configuration_keeps_requests_out_of_the_logs(config: dict[str, Any]) -> None:
    assert config["logging_config"]["enable_access_log"] is False


def test_no_secret_stands_in_the_configuration() -> None:
    assert not re.search(r"AKIA[0-9A-Z]{16}|[0-9a-f]{32}|env_vars", TEXT)


def test_a_deployment_without_tokens_is_refused_wherever_it_says_that_it_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(READ_VARIABLE, raising=False)
    monkeypatch.delenv(PUBLISH_VARIABLE, raising=False)
    for listens in ({}, {"host": "127.0.0.1"}):
        with pytest.raises(InputError, match=READ_VARIABLE):
            build({"snapshot": "s3://bucket/store", **listens})
    monkeypatch.setenv(READ_VARIABLE, READ)
    assert build({"snapshot": "s3://bucket/store"})._bound_deployment.name == "Service"


def _snapshot_id(url: str) -> str | None:
    try:
        answer = ask(url, "GET", "/v1/health/ready", token=None)
    except urllib3.exceptions.HTTPError:
        return None
    return answer.json["snapshot_id"] if answer.status == 200 else None


def _deploy(head: Head, config: dict[str, Any], file: Path) -> None:
    file.write_text(yaml.dump(config))
    command = [BIN / "serve", "deploy", file, "--address", head.dashboard]
    subprocess.run(command, env=head.environment, check=True, capture_output=True, timeout=60)


@pytest.mark.long
def test_a_cluster_takes_the_configuration_and_a_change_of_it(
    config: dict[str, Any], tokens_file: str, tmp_path: Path
) -> None:
    store = Store(Location(str(tmp_path / "store")))
    first, second = publish(store, tmp_path, 0), publish(store, tmp_path, 1)
    (application,) = config["applications"]
    del application["runtime_env"]  # the checkout is on this machine
    application["args"] |= {"snapshot": store.location.uri, "tokens_file": tokens_file, "refresh_seconds": 3600}
    config["http_options"] |= {"host": "127.0.0.1", "port": usable_port("127.0.0.1")}
    url = f"http://127.0.0.1:{config['http_options']['port']}"
    with ray_environment(PYTHONPATH=str(CHECKOUT), RAY_SERVE_ENABLE_DIRECT_INGRESS="0"), running_head() as head:
        _deploy(head, config, tmp_path / "config.yaml")
        wait_until(lambda: _snapshot_id(url) == second, 120)
        assert ask(url, "GET", "/v1/manifest", token=None).status == 401
        assert ask(url, "GET", "/v1/manifest", token=READ).status == 200
        store.set_current(first)
        application["deployments"][0]["user_config"] = {"look": 2}
        _deploy(head, config, tmp_path / "config.yaml")
        wait_until(lambda: {_snapshot_id(url) for _ in range(8)} == {first}, 60)


@pytest.mark.long
def test_a_submitted_job_serves_until_it_is_stopped(tmp_path: Path) -> None:
    store = Store(Location(str(tmp_path / "store")))
    snapshot_id = publish(store, tmp_path)
    port = usable_port("127.0.0.1")
    with ray_environment(RAY_SERVE_ENABLE_DIRECT_INGRESS="0"), running_head() as head:

        def jobs(verb: str, *words: object) -> str:
            command = [BIN / "ray", "job", verb, "--address", head.dashboard, *map(str, words)]
            done = subprocess.run(command, env=head.environment, capture_output=True, text=True, timeout=90, check=True)
            return done.stdout

        entrypoint = ["python", "-m", "jobs.serve", "--snapshot", store.location.uri, "--port", port]
        jobs("submit", "--no-wait", "--submission-id", "service", "--working-dir", CHECKOUT, "--", *entrypoint)
        wait_until(lambda: _snapshot_id(f"http://127.0.0.1:{port}") == snapshot_id, 120)
        jobs("stop", "service")
        wait_until(lambda: _snapshot_id(f"http://127.0.0.1:{port}") is None)
        assert '"ok": true, "url": "http://127.0.0.1' in jobs("logs", "service")
