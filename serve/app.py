"""The service on Ray Serve: one deployment around the app, and what starts it, waits for it and ends it.

Knows replicas, proxies and ports; knows no route and no snapshot. The one module of the services that imports ray.
"""

from __future__ import annotations

import http.client
import io
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import Any, NamedTuple

import ray
from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayError
from ray.serve.context import _disconnect
from ray.serve.schema import ServeStatus

from kat_ray.errors import InputError, ResourceError
from serve.direct import ask
from serve.http import make_app
from serve.settings import ServiceSettings, is_loopback
from serve.tokens import PUBLISH_VARIABLE, READ_VARIABLE

APPLICATION = "kat-ray"
"""Name on the cluster: ray.serve.get_app_handle(APPLICATION) is what a trainer on the same cluster asks."""
START_SECONDS = 300.0
"""Longest time until all replicas answer; a snapshot in an object store is fetched in it."""
FIRST_SECONDS = 20.0
"""Longest time that a replica looks for its first snapshot before Ray is told that it cannot start and tries again."""
REQUEST_SECONDS = 60.0
_LOGGING = {"log_level": "WARNING", "enable_access_log": False}  # paths hold ids of prompts
_STEP_SECONDS = 0.05


class Service(NamedTuple):
    """Where the started service answers, and from which snapshot it does so first."""

    url: str
    snapshot_id: str


class Replica:
    """One process that answers: through Ray's proxies, through a handle, or on a port of its own."""

    def __init__(self, settings: ServiceSettings) -> None:
        _close_replica_port()
        _log_beside_ray_serve()
        self._app = make_app(settings)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """What a deployment handle calls: the answer of the same app, with the same checks, as over HTTP."""
        return await ask(self._app, method, path, headers, body)

    async def reconfigure(self, _: Any) -> None:
        """A changed `user_config` makes every replica look for a new snapshot at once, not in `refresh_seconds`."""
        await self._app.state.service.look()

    async def check_health(self) -> None:
        """Ray starts a new replica in the place of one that does not answer, and sends no request to one that never
        was healthy: while the store does not answer, replicas that have a snapshot get them all.

        Raises:
            RuntimeError: the app does not say that it is alive.
            ResourceError: it finds no snapshot for `FIRST_SECONDS`.
        """
        status, _, _ = await ask(self._app, "GET", "/v1/health/live", {}, b"")
        if status != 200:
            raise RuntimeError(f"The app answers {status} to the question whether it is alive, expected 200.")
        await self._app.state.service.find_first(FIRST_SECONDS)


def application(settings: ServiceSettings, num_replicas: int = 1, num_cpus: float = 1.0) -> serve.Application:
    """The deployment that `serve.run` takes: `num_replicas` processes of `num_cpus` CPUs each."""
    requests = settings.limits.requests
    deployment = serve.deployment(
        serve.ingress()(Replica),
        name="Service",
        num_replicas=num_replicas,
        ray_actor_options={"num_cpus": num_cpus},
        max_ongoing_requests=requests + 16,  # the app refuses first, with a sentence
        max_queued_requests=requests,
        backpressure_config={"status_code": 503, "retry_after_s": 1},
        health_check_period_s=2,
        health_check_timeout_s=10,
        graceful_shutdown_wait_loop_s=0.1,
        graceful_shutdown_timeout_s=10,
        max_constructor_retry_count=3,
        logging_config=_LOGGING,
    )
    return deployment.bind(settings)


def build(args: dict[str, Any]) -> serve.Application:
    """What `serve deploy serve/config.yaml` calls with the `args` of the file.

    The file says apart from them where the proxies listen, so tokens are always asked for.

    Raises:
        InputError: an option is unknown, or there is no token.
    """
    settings = ServiceSettings.from_options({"host": "0.0.0.0", **args}, os.environ)  # noqa: S104
    if not settings.tokens:
        hint = f"Name a tokens_file in args, or set {READ_VARIABLE} and {PUBLISH_VARIABLE}."
        raise InputError(f"A deployment without a token would be open to anyone who reaches its proxies. {hint}")
    return application(settings)


@contextmanager
def deployed(settings: ServiceSettings, num_replicas: int = 1, embedded: bool = False) -> Iterator[Service]:
    """The service on the cluster that this process has joined, from its first answer to the end of the block.

    On loopback the head node answers, else every node with a replica. In an embedded cluster, which ends with this
    process, replicas count as no CPU. At the end running requests are waited for.

    Raises:
        ResourceError: Ray Serve runs there already, or the service did not start; with the reason.
    """
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    _require_no_other(serve.status())
    try:
        _start(settings, application(settings, num_replicas, num_cpus=0.0 if embedded else 1.0))
        yield Service(_url(settings), _await_answers(settings))
    finally:
        _end(embedded)


def _require_no_other(running: ServeStatus) -> None:
    if running.applications or running.proxies:
        names = ", ".join(running.applications) or "no application"
        raise ResourceError(
            f"Ray Serve runs on this cluster already, with {names}. Add KAT-Ray to its configuration as "
            f"serve/config.yaml shows, or end it with `serve shutdown`."
        )


def _start(settings: ServiceSettings, target: serve.Application) -> None:
    options = {"host": settings.host, "port": settings.port, "request_timeout_s": REQUEST_SECONDS}
    try:
        serve.start(
            proxy_location="HeadOnly" if settings.is_loopback else "EveryNode",
            http_options=options,
            logging_config=_LOGGING,
        )
        serve.run_many([serve.RunTarget(target, name=APPLICATION)], wait_for_applications_running=False)
    except (RayError, RuntimeError, TimeoutError) as error:
        raise ResourceError(f"Ray Serve does not start on {_url(settings)}: {_last_line(str(error))}") from error


def _end(embedded: bool) -> None:
    """Let running requests finish; a cluster that got the same signal is gone, and Ray would look for it a minute."""
    end = partial(serve.delete, APPLICATION) if embedded else serve.shutdown
    ending = threading.Thread(target=end, daemon=True)
    cluster = ray.get_runtime_context().gcs_address
    with redirect_stdout(io.StringIO()):  # Ray tells there that it lost the actors that it ended
        ending.start()
        while ending.is_alive() and _listens(cluster):
            ending.join(4 * _STEP_SECONDS)
    _disconnect()  # Ray would take the next embedded cluster of this process for this one


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 1.0).close()
    except OSError:
        return False
    return True


def _await_answers(settings: ServiceSettings) -> str:
    """Wait for all replicas and for the proxy; returns the id of the snapshot that is served."""
    deadline = time.monotonic() + START_SECONDS
    _await_replicas(deadline)
    while not _proxy_answers(settings):
        if time.monotonic() > deadline:
            raise ResourceError(
                f"Replicas run, but nothing answers at {_url(settings)} from here. "
                f"Run this on the cluster's head node, or submit it with `ray job submit`."
            )
        time.sleep(_STEP_SECONDS)
    question = serve.get_app_handle(APPLICATION).request.remote("GET", "/v1/health/ready", {}, b"")
    status, _, body = question.result(timeout_s=REQUEST_SECONDS)
    if status != 200:
        raise ResourceError(f"The service runs but is not ready: {json.loads(body)['detail']}")
    return str(json.loads(body)["snapshot_id"])


def _await_replicas(deadline: float) -> None:
    while (state := serve.status().applications[APPLICATION]).status != "RUNNING":
        told = [part.message for part in state.deployments.values() if part.message] or [state.message]
        if state.status in ("DEPLOY_FAILED", "UNHEALTHY"):
            raise ResourceError(f"The service does not start: {_last_line(told[0])}")
        if time.monotonic() > deadline:
            raise ResourceError(
                f"The replicas did not start within {START_SECONDS:.0f} s: {_last_line(told[0]) or 'no reason known'} "
                f"Ask for fewer --replicas, or add nodes."
            )
        time.sleep(_STEP_SECONDS)


def _proxy_answers(settings: ServiceSettings) -> bool:
    connection = http.client.HTTPConnection(_reachable(settings.host), settings.port, timeout=2.0)
    try:
        connection.request("GET", "/-/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _url(settings: ServiceSettings) -> str:
    host = _reachable(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _reachable(host: str) -> str:
    """An address for a client on this machine: a wildcard is none."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _last_line(text: str) -> str:
    """The sentence at the end of a remote traceback, without the name of its error."""
    line = (text.strip().splitlines() or [""])[-1].strip()
    name, colon, rest = line.partition(": ")
    return rest if colon and name.replace(".", "").replace("_", "").isalnum() else line


def _log_beside_ray_serve() -> None:
    """What the service tells of itself, who published what too, goes into the replica's file of Ray Serve's logs."""
    ours = logging.getLogger("kat_ray.serve")
    ours.setLevel(logging.INFO)
    for handler in logging.getLogger("ray.serve").handlers:
        ours.addHandler(handler)


def _close_replica_port() -> None:
    """Bind the port that this replica has for other deployments to loopback, when its node is on loopback alone.

    Ray 2.60 binds it to every interface, whatever the address of the node.
    """
    from ray.serve._private import replica

    if is_loopback(ray.util.get_node_ip_address()):
        replica.add_port_to_grpc_server = partial(_add_loopback_port, replica.add_port_to_grpc_server)


def _add_loopback_port(add_port: Any, server: Any, address: str) -> int:
    port: int = add_port(server, address.replace("[::]", "127.0.0.1"))
    return port
