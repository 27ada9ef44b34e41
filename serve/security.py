"""Who may ask what: the scope that each path needs, and the layers that check host, origin and token before any route.

Everything is closed unless it is listed as open, and every change needs the scope "publish" unless it is listed as
read, so a new route is never open by mistake. The layers hold on every port that the app answers on.
"""

from __future__ import annotations

import re
import socket

from starlette._utils import get_route_path

from serve.asgi import App, Message, Receive, Scope, Send, has_header, header, refuse
from serve.settings import ServiceSettings, is_loopback
from serve.tokens import Holder, ValidTokens
from serve.tokens import Scope as TokenScope
from serve.viewer import MISSING_STYLE

OPEN_PATHS = frozenset({"/", "/v1/health/live", "/v1/health/ready", "/viz"})
"""Health and the viewer's page, which hold no data. The API description, /docs and /metrics need a token."""
READING_POSTS = frozenset({"/v1/weights", "/v1/draws", "/v1/density", "/v1/project", "/v1/search", "/v1/prompts"})
"""Questions whose subject goes in a body."""

HOLDER_KEY = "kat_ray.holder"
_OPEN_FOLDER = "/viz/"
_EXPOSURES = "/v1/exposures/"
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_ADDRESS = re.compile(r"\[[0-9A-Fa-f:.]+\]|\d{1,3}(\.\d{1,3}){3}")
_PAGES = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_VIEWER = (
    f"{_PAGES}; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self' '{MISSING_STYLE}'; "
    "require-trusted-types-for 'script'"
)
_DOCS = f"{_PAGES}; style-src 'unsafe-inline'"
_SECURE = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"cache-control": b"no-store",
}


def required_scope(method: str, path: str) -> TokenScope | None:
    """The scope that a request needs when the service has tokens; None where everyone may ask.

    A run reports what it trained on with the token that it reads weights with: that changes nothing that is served.
    """
    if method in ("GET", "HEAD"):
        return None if path in OPEN_PATHS or path.startswith(_OPEN_FOLDER) else "read"
    reads = (method == "POST" and path in READING_POSTS) or (method == "PUT" and path.startswith(_EXPOSURES))
    return "read" if reads or method == "OPTIONS" else "publish"


class SecureHeaders:
    """Adds the headers that keep a browser from guessing, framing, leaking or storing; a route's own value stays."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                added = {**_SECURE, b"content-security-policy": _policy(get_route_path(scope)).encode()}
                message["headers"] = [*message["headers"], *((n, v) for n, v in added.items() if n not in there)]
            await send(message)

        await self._app(scope, receive, send_secured if scope["type"] == "http" else send)


class CheckHost:
    """Refuses names that are not this service's, so that no web page can reach it by pointing a name of its own here
    (DNS rebinding), and changes that another site's page asks for.

    On a wider bind a plain address is no such name and is let through.
    """

    def __init__(self, app: App, settings: ServiceSettings) -> None:
        self._app = app
        self._names = {host.lower() for host in settings.allowed_hosts}
        self._origins = {origin.lower() for origin in settings.cors_origins}
        self._is_wide = not settings.is_loopback
        if self._is_wide:
            self._names |= {settings.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400 or 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = header(scope, "host") or ""
        if not self._is_ours(host):
            await refuse(send, 400, "The Host header does not name this service; start it with --allowed-host NAME.")
        elif has_header(scope, "origin") and not self._may_call(header(scope, "origin") or "", host):
            await refuse(
                send,
                403,
                "Pages of other origins may not call this service; start it with that origin in "
                "cors_origins to allow it.",
            )
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].lower()
        return is_loopback(name) or name in self._names or (self._is_wide and bool(_ADDRESS.fullmatch(name)))

    def _may_call(self, origin: str, host: str) -> bool:
        return origin.lower() in self._origins or origin.lower().partition("://")[2] == host.lower()


class RequireScope:
    """Refuses requests without a valid token of the right scope, before anything of them is read."""

    def __init__(self, app: App, tokens: ValidTokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 403."""
        needed = required_scope(scope["method"], get_route_path(scope)) if scope["type"] == "http" else None
        if needed is None or not self._tokens.now:
            await self._app(scope, receive, send)
            return
        holder = self._holder(scope)
        if holder is None:
            error = ', error="invalid_token"' if has_header(scope, "authorization") else ""
            sentence = "A valid token is needed: send the header `Authorization: Bearer TOKEN`."
            await refuse(send, 401, sentence, www_authenticate=f'Bearer realm="kat-ray"{error}')
        elif needed == "publish" and holder.scope != "publish":
            sentence = "This token may read; changes need one of the scope publish."
            challenge = 'Bearer realm="kat-ray", error="insufficient_scope", scope="publish"'
            await refuse(send, 403, sentence, www_authenticate=challenge)
        else:
            scope[HOLDER_KEY] = holder
            await self._app(scope, receive, send)

    def _holder(self, scope: Scope) -> Holder | None:
        kind, _, token = (header(scope, "authorization") or "").partition(" ")
        return self._tokens.now.holder(token.strip()) if kind.lower() == "bearer" else None


def _policy(path: str) -> str:
    if path == "/docs":
        return _DOCS
    return _VIEWER if path == "/viz" or path.startswith(_OPEN_FOLDER) else _PAGES
