"""How a request reaches the service: over HTTP, or through the handle of a Ray Serve deployment.

Both give the same answers and errors. Knows methods, paths and tokens; nothing of weights. Does not import ray.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout

from kat_ray.client.connection_options import check_timeout, check_token, check_url
from kat_ray.client.retries import Answer, NoAnswerError, Retries
from kat_ray.errors import ServiceError, ServiceRefusedError
from kat_ray.snapshot.terminal import plain

_CHUNK_BYTES = 1 << 18
_TOTAL_TIMEOUTS = 6.0
_SENTENCE_COLUMNS = 600
_LOST = {  # errors of Ray by name: the replica died or was busy, and another one can answer
    *{"RayActorError", "ActorDiedError", "ActorUnavailableError", "DeploymentUnavailableError", "BackPressureError"},
    *{"TimeoutError", "ReplicaUnavailableError", "ObjectLostError", "OwnerDiedError"},
}


class Transport(Protocol):
    """What the client needs of a way to the service."""

    @property
    def name(self) -> str:
        """The service for messages, without secrets; the same name is the same service."""

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """An answer with a status of 200 to 299 or 304; header names are lower case.

        Raises:
            ServiceUnavailableError: no answer through all tries.
            ServiceRefusedError: the service said no; trying again is no use.
        """


@dataclass(frozen=True)
class HttpTransport:
    """Requests to a URL over kept connections; safe for threads, forks and pickling.

    Example: HttpTransport("https://weights.example:8000", token="…").request("GET", "/v1/health/ready")

    Redirections are not followed, so that the token goes to the named host only. Private certificate authorities are
    named by the environment variable SSL_CERT_FILE.
    """

    url: str
    """http:// or https://, host, port, and the path before /v1 when there is one."""
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0
    """Longest silence: until the connection stands, and between two pieces of an answer."""
    retries: Retries | None = None
    """None: the usual ones, which together end within six timeouts."""
    _pools: dict[int, urllib3.PoolManager] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_url(self.url, self.token)
        check_token(self.token)
        check_timeout(self.timeout_seconds)

    def __reduce__(self) -> tuple[Any, ...]:
        return HttpTransport, (self.url, self.token, self.timeout_seconds, self.retries)

    @property
    def name(self) -> str:
        """The service and its URL."""
        return f"the service at {self.url.rstrip('/')}"

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """See `Transport.request`."""
        sent = {"user-agent": "kat-ray", **(headers or {}), **_authorization(self.token)}
        answer = _retries(self).run(lambda left: self._attempt(method, path, sent, body, left), self.name)
        return _accepted(answer, f"{method} {path}", self.name, self.token)

    def _attempt(self, method: str, path: str, headers: dict[str, str], body: bytes | None, left: float) -> Answer:
        ends = time.monotonic() + left
        wait = min(self.timeout_seconds, left)
        response = None
        try:
            response = self._pool().request(
                method,
                f"{self.url.rstrip('/')}{path}",
                headers=headers,
                body=body,
                timeout=Timeout(connect=wait, read=wait),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            content = b"".join(_pieces(response, ends))
        except (HTTPError, OSError) as error:
            if response is not None:
                response.close()
            raise NoAnswerError(_reason(error, wait)) from error
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

    def _pool(self) -> urllib3.PoolManager:
        """One of this process: a forked child must not write into its parent's connections."""
        if os.getpid() not in self._pools:
            self._pools.setdefault(os.getpid(), urllib3.PoolManager(maxsize=16))
        return self._pools[os.getpid()]


@dataclass(frozen=True)
class HandleTransport:
    """Requests through the handle of a Ray Serve deployment, for a trainer that runs on the same cluster.

    Example: HandleTransport(ray.serve.get_app_handle("kat-ray"), token="…")
    """

    handle: Any
    """Its method `request(method, path, headers, body)` gives (status, headers with lower-case names, body)."""
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0
    """Longest time until an answer is there."""
    retries: Retries | None = None
    """None: the usual ones, which together end within six timeouts."""
    cluster: str = field(default_factory=lambda: os.environ.get("RAY_ADDRESS", ""))
    """Part of the name: deployments of two clusters that share a cache are two services."""

    def __post_init__(self) -> None:
        check_token(self.token)
        check_timeout(self.timeout_seconds)

    @property
    def name(self) -> str:
        """The deployment, its app, and the cluster if that has a name."""
        deployment = getattr(self.handle, "deployment_name", "behind the handle")
        app = getattr(self.handle, "app_name", "")
        parts = [f"the deployment {deployment}", f"of app {app}" if app else "", self.cluster and f"on {self.cluster}"]
        return " ".join(part for part in parts if part)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """See `Transport.request`."""
        sent = {**(headers or {}), **_authorization(self.token)}
        answer = _retries(self).run(lambda left: self._attempt(method, path, sent, body or b"", left), self.name)
        return _accepted(answer, f"{method} {path}", self.name, self.token)

    def _attempt(self, method: str, path: str, headers: dict[str, str], body: bytes, left: float) -> Answer:
        wait = min(self.timeout_seconds, left)
        try:
            pending = self.handle.request.remote(method, path, headers, body)
            status, answered, content = pending.result(timeout_s=wait)
        except Exception as error:
            if _LOST.isdisjoint(kind.__name__ for kind in type(error).__mro__):
                raise ServiceError(f"{self.name} failed at {method} {path}: {plain(str(error), 200)}.") from error
            raise NoAnswerError(_reason(error, wait)) from error
        return Answer(int(status), dict(answered), bytes(content))


def _retries(transport: HttpTransport | HandleTransport) -> Retries:
    return transport.retries or Retries(total_seconds=_TOTAL_TIMEOUTS * transport.timeout_seconds)


def _accepted(answer: Answer, request: str, name: str, token: str | None) -> Answer:
    """The answer, unless it says no."""
    if 200 <= answer.status < 300 or answer.status == 304:
        return answer
    if answer.status < 400:
        place = plain(answer.headers.get("location", "another place"), 200)
        raise ServiceRefusedError(
            f"{request} at {name} leads to {place}; give the URL of the service itself.", answer.status
        )
    detail = _detail(answer.body)
    sentence = detail or "it does not say why; is there another server behind this address?"
    if token is not None:
        sentence = sentence.replace(token, "…")
    hint = " Give its token: token=…" if answer.status == 401 and token is None else ""
    raise ServiceRefusedError(
        f"{request} was refused by {name} with status {answer.status}: {sentence}{hint}",
        answer.status,
        is_own=detail is not None,
    )


def _detail(body: bytes) -> str | None:
    """What the service says under "detail", as one harmless line; None when another server speaks."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return plain(detail if isinstance(detail, str) else json.dumps(detail), _SENTENCE_COLUMNS)


def _authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}


def _pieces(response: BaseHTTPResponse, ends: float) -> Iterator[bytes]:
    """The body as it comes in; a server that sends a byte now and then must not hold the trainer."""
    while piece := response.read1(_CHUNK_BYTES):
        yield piece
        if time.monotonic() > ends:
            raise TimeoutError("the answer did not end in time")


def _reason(error: Exception, wait: float) -> str:
    """A phrase without addresses and object names: the message says where."""
    if isinstance(error, NameResolutionError):
        return "its host name is not known"
    if isinstance(error, NewConnectionError):
        return f"no connection ({getattr(error.__cause__, 'strerror', None) or 'refused'})"
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError) or (
        isinstance(error, TimeoutError) and not str(error)
    ):
        return f"no answer within {wait:.1f} s"
    if isinstance(error, TimeoutError):
        return str(error)
    return f"the answer broke off ({type(error).__name__})"
