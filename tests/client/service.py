"""A service of the standard library alone: the routes that a client needs, over a store, with faults to switch on.

Each fault is used up by one request, in the order in which they were put; `always` stays. A fault gets the right answer
and the socket, and does its worst.
"""

from __future__ import annotations

import json
import socket
import struct
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from kat_ray.client.retries import Answer
from kat_ray.errors import SnapshotError
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.snapshot.weight_table import WeightTable

Fault = Callable[["Handler", Answer], Answer | None]


class Seen(NamedTuple):
    """A request that came, and how many bytes went back."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    sent_bytes: int


class TinyService:
    """Example: service = TinyService(store); service.start(); WeightsClient(service.url); service.stop()"""

    def __init__(self, store: Store, token: str | None = None) -> None:
        self.store = store
        self.token = token
        self.faults: list[Fault] = []
        self.always: Fault | None = None
        self.seen: list[Seen] = []
        self.received: dict[str, Any] = {}
        self.released = threading.Event()
        self._port = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """On the port of the last start."""
        self.released.clear()
        self._server = Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """As a killed process: nothing listens, and kept connections are gone."""
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the routes say; header names are lower case."""
        parts = urlsplit(path)
        if self.token is not None and headers.get("authorization") != f"Bearer {self.token}":
            return told(401, "A token with the scope read is needed.")
        if method == "GET" and parts.path == "/v1/weights":
            return self._weights(parse_qs(parts.query).get("snapshot", [None])[0], headers)
        if method == "PUT" and parts.path.startswith("/v1/exposures/"):
            self.received[parts.path.rpartition("/")[2]] = json.loads(body)
            return Answer(204, {}, b"")
        if parts.path == "/v1/echo":
            return Answer(200, {"content-type": "text/plain"}, parts.query.encode())
        return told(404, f"There is no {parts.path}.")

    def _weights(self, snapshot_id: str | None, headers: dict[str, str]) -> Answer:
        try:
            snapshot = Snapshot.open(self.store.location, snapshot_id)
        except SnapshotError as error:
            return told(404, str(error))
        with tempfile.TemporaryDirectory() as folder:
            checksum = WeightTable.write(snapshot, Path(folder) / "table")
            data = (Path(folder) / "table").read_bytes()
        stamps = {"etag": f'"{checksum}"', "x-checksum-blake2b": checksum, "x-snapshot-id": snapshot.snapshot_id}
        known = [tag.strip() for tag in headers.get("if-none-match", "").split(",")]
        return Answer(304, stamps, b"") if stamps["etag"] in known else Answer(200, stamps, data)


class Server(ThreadingHTTPServer):
    """Keeps its connections, so that they can be cut."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], service: TinyService) -> None:
        self.service = service
        self._connections: set[socket.socket] = set()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        for connection in self._connections:
            with suppress(OSError):  # it was closed already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are no matter."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer: Answer | None = service.answer(self.command, self.path, headers, body)
        fault = service.faults.pop(0) if service.faults else service.always
        if fault is not None:
            answer = fault(self, answer)
        size = 0 if answer is None else len(answer.body)
        service.seen.append(Seen(self.command, self.path, headers, body, 0 if answer is None else answer.status, size))
        if answer is None:
            self.close_connection = True
        else:
            self.begin(answer, size)
            self.wfile.write(answer.body)

    do_PUT = do_GET  # noqa: N815 - the base class names it

    def begin(self, answer: Answer, size: int) -> None:
        """Status and headers, of a body of that size."""
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("content-length", str(size))
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Be quiet."""


def told(status: int, detail: object, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "application/json", **names}, json.dumps({"detail": detail}).encode())


def status(code: int, detail: object = "Not now.", **headers: str) -> Fault:
    """This answer in place of the right one."""
    return lambda handler, answer: told(code, detail, **headers)


def hang_up(handler: Handler, answer: Answer) -> None:
    """The connection is closed without an answer."""


def reset_in_the_middle(handler: Handler, answer: Answer) -> None:
    """Half of the body, then the connection is reset."""
    handler.begin(answer, len(answer.body))
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def cut(handler: Handler, answer: Answer) -> Answer:
    """A shorter body that says it is whole."""
    return Answer(answer.status, answer.headers, answer.body[:-8])


def altered(handler: Handler, answer: Answer) -> Answer:
    """One bit of the body is another one."""
    middle = len(answer.body) // 2
    flipped = bytes([answer.body[middle] ^ 1])
    return Answer(answer.status, answer.headers, answer.body[:middle] + flipped + answer.body[middle + 1 :])


def silent(handler: Handler, answer: Answer) -> None:
    """Nothing comes until the service is stopped."""
    handler.server.service.released.wait(30.0)


def dripping(handler: Handler, answer: Answer) -> None:
    """A byte now and then, for ever."""
    handler.begin(answer, 1 << 20)
    while not handler.server.service.released.wait(0.02):
        handler.wfile.write(b"x")
