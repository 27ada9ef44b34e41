"""Asks an ASGI app a question inside its own process, as a deployment handle or a health check does.

Knows the ASGI protocol for whole requests and answers; nothing of Ray, routes or sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

HOST = "localhost"
"""What `Host` says where the asker names none: there is no address between caller and app."""


async def ask(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower-case names) and whole body of the app's answer to one request.

    `path` may carry a query. Whatever the app raises is raised here.
    """
    answer = _Answer(body)
    await app(_scope(method, path, headers, body), answer.receive, answer.send)
    return answer.status, answer.headers, b"".join(answer.parts)


class _Answer:
    """The two ends that an ASGI app talks to: the request goes in once, the parts of the answer are kept."""

    def __init__(self, body: bytes) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self._body: bytes | None = body
        self._ended = asyncio.Event()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._ended.wait()  # an app that streams listens for the caller's leaving meanwhile
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message["headers"]:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._ended.set()


def _scope(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    target, _, query = path.partition("?")
    named = {name.lower(): value for name, value in headers.items()}
    lines = {"host": HOST, **named, "content-length": str(len(body))}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": unquote(target),
        "raw_path": target.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()],
        "client": None,
        "server": None,
        "extensions": {},
        "state": {},
    }
