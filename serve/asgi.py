"""The few words of ASGI that the layers around the routes share: types, headers, and a refusal as an answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON_TYPE = "application/json"


def header(scope: Scope, name: str) -> str | None:
    """The value of a request header; of several, None, since none of them can be trusted."""
    wanted = name.encode()
    values = [value for key, value in scope["headers"] if key == wanted]
    return values[0].decode("latin-1") if len(values) == 1 else None


def has_header(scope: Scope, name: str) -> bool:
    """Whether the request has such a header."""
    return any(key == name.encode() for key, _ in scope["headers"])


async def refuse(send: Send, status: int, sentence: str, **headers: str) -> None:
    """Answer with a status and {"detail": sentence}; `headers` have _ for -."""
    body = json.dumps({"detail": sentence}, ensure_ascii=False).encode()
    fields = {"content-type": JSON_TYPE, "content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
