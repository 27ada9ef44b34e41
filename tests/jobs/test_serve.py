"""`python -m jobs.serve`: one line when it is ready, loopback alone, ended by a signal; what cannot start says why."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray._private.grpc_utils import init_grpc_channel

from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.engine.conftest import workers_named
from tests.serve.cluster import ask, listening, wait_until
from tests.serve.process import CHECKOUT, ServiceProcess, started_service
from tests.serve.stores import publish


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def served_store(folder: Path) -> Store:
    store = Store(Location(str(folder / "store")))
    publish(store, folder, 1)
    return store


@pytest.fixture(scope="module")
def service(folder: Path, served_store: Store) -> Iterator[ServiceProcess]:
    with started_service(folder, served_store.location.uri, "--port", 0, "--replicas", 2) as service:
        yield service


def test_the_line_says_where_and_what_is_served(service: ServiceProcess, served_store: Store) -> None:
    assert {name: service.line[name] for name in ("job", "ok", "snapshot_id")} == {
        "job": "serve",
        "ok": True,
        "snapshot_id": served_store.current(),
    }
    answer = ask(service.url, "GET", "/v1/health/ready", token=None)
    assert (answer.status, answer.json["snapshot_id"]) == (200, served_store.current())


def test_nothing_of_it_listens_beyond_loopback(service: ServiceProcess) -> None:
    places = listening(service.processes)
    assert {port for _, _, port in places} > {int(service.url.rpartition(":")[2])}
    beyond = [
        (process.name(), address, port)
        for process, address, port in places
        if address.removeprefix("::ffff:") not in ("127.0.0.1", "::1")
    ]
    assert not beyond


def test_a_replica_takes_calls_of_other_deployments_with_the_token_of_this_run_only(
    service: ServiceProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # so that this side sends none
    replicas = [process for process in service.processes if "ServeReplica" in " ".join(process.cmdline())]
    said = set()
    for _, _, port in listening(replicas):
        call = init_grpc_channel(f"127.0.0.1:{port}").unary_unary("/ray.serve.ASGIService/HandleRequest")
        with pytest.raises(Exception, match="StatusCode") as refused:
            call(b"", timeout=10)
        said.add(refused.value.code().name)
    assert said == {"UNAUTHENTICATED", "UNIMPLEMENTED"}  # the port for deployments, and that of every worker of Ray


def test_a_snapshot_that_is_published_meanwhile_is_served(
    service: ServiceProcess, served_store: Store, folder: Path
) -> None:
    newer = publish(served_store, folder, 2)
    wait_until(lambda: ask(service.url, "GET", "/v1/manifest").json["snapshot_id"] == newer)


def test_sigterm_ends_it_and_all_that_it_started(service: ServiceProcess) -> None:
    code, more, stderr = service.end(signal.SIGTERM)
    assert (code, more) == (0, "")
    assert "Traceback" not in stderr
    assert service.url in stderr
    assert not service.left()


@pytest.mark.long
def test_a_signal_to_all_of_its_processes_ends_it_as_well(folder: Path, served_store: Store) -> None:
    with started_service(folder, served_store.location.uri, "--port", 0) as service:
        code, more, _ = service.end(signal.SIGTERM, whole_group=True)
        assert (code, more) == (0, "")
        assert not service.left()


def test_a_running_cluster_serves_until_the_job_ends(
    environment: dict[str, str], folder: Path, served_store: Store
) -> None:
    joined = {name: environment[name] for name in ("RAY_ADDRESS", "RAY_AUTH_MODE")}
    uri = served_store.location.uri
    with started_service(folder, uri, "--port", 0, **joined) as service:
        assert ask(service.url, "GET", "/v1/health/ready", token=None).status == 200
        code, told, _ = _refused("--snapshot", uri, "--port", "0", **joined)
        assert code == 1
        assert "runs on this cluster already, with kat-ray" in told["error"]
        code, more, stderr = service.end(signal.SIGINT)
        assert (code, more) == (0, "")
        assert "Traceback" not in stderr
    wait_until(lambda: not workers_named("ray::Serve"))


def _refused(*arguments: object, **environment: str) -> tuple[int, dict[str, object], str]:
    """Exit code, line and stderr of a job that does not start."""
    command = [sys.executable, "-m", "jobs.serve", *map(str, arguments)]
    names = {**os.environ, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "80", **environment}
    done = subprocess.run(command, env=names, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    (line,) = done.stdout.splitlines()
    return done.returncode, json.loads(line), done.stderr


def test_a_used_port_is_told(served_store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line, stderr = _refused("--snapshot", served_store.location.uri, "--port", port)
    assert (code, line["ok"]) == (1, False)
    assert f"Port {port} of 127.0.0.1 cannot be used: another process listens there." in str(line["error"])
    assert str(line["error"]) in stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--snapshot", "nowhere/store"], "There is no snapshot at nowhere/store; build one with"),
        (["--snapshot", "STORE", "--host", "0.0.0.0"], "Listening on 0.0.0.0 without a token"),
        (["--snapshot", "STORE", "--replicas", "0"], "--replicas is 0, expected 1 or more."),
        (["--snapshot", "STORE", "--port", "70000"], "The port is 70000, expected 0 to 65535."),
        (["--snapshot", "STORE", "--port", "0", "--address", "127.0.0.1:1"], "Nothing answers at 127.0.0.1:1"),
    ],
)
def test_what_cannot_start_is_one_sentence(served_store: Store, arguments: list[str], sentence: str) -> None:
    given = [served_store.location.uri if word == "STORE" else word for word in arguments]
    code, line, stderr = _refused(*given)
    assert (code, line["ok"]) == (1, False)
    assert sentence in str(line["error"])
    assert "Traceback" not in stderr
