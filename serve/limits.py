"""How much is in work at once, and how large and how slow a body may be.

A request takes its place before its body is read, so slow senders cannot pile up; the body is read whole before any
route sees it, but none is read of GET and HEAD. Paths that need no token have places of their own, so that strangers
take none from those who have one. Health is answered whatever the load is. Counts are of one process.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette._utils import get_route_path

from serve.asgi import App, Message, Receive, Scope, Send, header, refuse
from serve.security import HOLDER_KEY, required_scope
from serve.settings import Limits

RETRY_SECONDS = 1
_HEALTH = "/v1/health/"


class LimitRequests:
    """Refuses a client's surplus with 429, everyone's with 503, bodies that are too large with 413, too slow 408.

    A client is an address with a token. Callers inside the cluster, by handle, have no address and no share of theirs.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._running: Counter[object] = Counter()
        self._num_open = 0

    @property
    def running(self) -> int:
        """Requests in work now, apart from those that need no token."""
        return self._running.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body read, or refuse it."""
        if scope["type"] != "http" or (path := get_route_path(scope)).startswith(_HEALTH):
            await self._app(scope, receive, send)
        elif required_scope(scope["method"], path) is None:
            await self._pass_open(scope, receive, send)
        else:
            await self._take_place(scope, receive, send)

    async def _pass_open(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limits.open_requests
        if self._num_open >= limit:
            await _refuse_surplus(send, 503, f"{limit} requests without a token are in work, the most; try again.")
            return
        self._num_open += 1
        try:
            await self._app(scope, _replay(b"", receive), send)
        finally:
            self._num_open -= 1

    async def _take_place(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = (scope.get("client") or (None,))[0]
        client = (address, scope.get(HOLDER_KEY))
        if address is not None and self._running[client] >= self._limits.requests_per_client:
            limit = self._limits.requests_per_client
            await _refuse_surplus(send, 429, f"This client has {limit} requests in work, the most at once; try again.")
        elif self.running >= self._limits.requests:
            await _refuse_surplus(send, 503, f"{self._limits.requests} requests are in work, the most; try again.")
        else:
            self._running[client] += 1
            try:
                await self._read_and_pass_on(scope, receive, send)
            finally:
                self._running[client] -= 1
                if not self._running[client]:
                    del self._running[client]

    async def _read_and_pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            await self._app(scope, _replay(b"", receive), send)
            return
        stated = header(scope, "content-length") or "0"
        limit = self._limits.body_bytes
        body: bytes | None = None
        if not (stated.isdigit() and int(stated) > limit):
            try:
                async with asyncio.timeout(self._limits.body_seconds):
                    body = await _read_body(receive, limit)
            except TimeoutError:
                sentence = f"The body did not arrive within {self._limits.body_seconds:g} seconds."
                await refuse(send, 408, sentence, connection="close")
                return
            except ConnectionError:
                return
        if body is None:
            await refuse(send, 413, f"The body has more than {limit:,} bytes; ask in several requests.")
        else:
            await self._app(scope, _replay(body, receive), send)


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None when it is larger than the limit, whatever its headers said."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError("The client went away.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A channel that gives the body once and then what else comes, which is only that the client went away."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def _refuse_surplus(send: Send, status: int, sentence: str) -> None:
    await refuse(send, status, sentence, retry_after=str(RETRY_SECONDS))
