"""Places, body sizes and patience, driven as a server drives an app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from serve.limits import LimitRequests
from serve.security import HOLDER_KEY
from serve.settings import Limits
from serve.tokens import Holder


class Caller:
    """One request, whose parts are given one after the other, and what came back."""

    def __init__(
        self, app: LimitRequests, parts: Iterable[bytes] = (b"",), client: str | None = "10.0.0.1", **scope: Any
    ) -> None:
        self._app = app
        self._parts = list(parts)
        self._scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/draws",
            "headers": [],
            "client": (client, 5000) if client else None,
            **scope,
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def __call__(self) -> Caller:
        await self._app(self._scope, self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, Any]:
        if not self._parts:
            await asyncio.Event().wait()
        part = self._parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self._parts)}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message["body"]

    @property
    def sentence(self) -> str:
        return json.loads(self.body)["detail"]


class Route:
    """An app that answers with the body it got, when it is told to."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, _: object, receive: Any, send: Any) -> None:
        message = await receive()
        self.entered.set()
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})


@pytest.fixture
def route() -> Route:
    return Route()


def run(work: Any) -> Any:
    return asyncio.run(work)


def test_a_body_in_parts_arrives_whole(route):
    async def ask() -> Caller:
        route.go_on.set()
        return await Caller(LimitRequests(route, Limits()), [b"ab", b"", b"cd"])()

    assert run(ask()).body == b"abcd"


@pytest.mark.parametrize(("size", "status"), [(10, 200), (11, 413)])
@pytest.mark.parametrize("is_stated", [True, False])
def test_a_body_of_one_byte_too_many_is_refused_whether_its_length_is_stated_or_not(route, size, status, is_stated):
    headers = [(b"content-length", str(size).encode())] if is_stated else [(b"transfer-encoding", b"chunked")]

    async def ask() -> Caller:
        route.go_on.set()
        return await Caller(LimitRequests(route, Limits(body_bytes=10)), [b"x"] * size, headers=headers)()

    caller = run(ask())
    assert caller.status == status
    assert status == 200 or "10 bytes" in caller.sentence


def test_a_stated_length_that_is_too_large_is_refused_before_the_body_comes(route):
    async def ask() -> Caller:
        app = LimitRequests(route, Limits(body_bytes=10))
        return await Caller(app, [], headers=[(b"content-length", b"99999999999")])()

    assert run(ask()).status == 413
    assert not route.entered.is_set()


def test_a_false_length_does_not_let_a_larger_body_in(route):
    async def ask() -> Caller:
        app = LimitRequests(route, Limits(body_bytes=10))
        return await Caller(app, [b"x" * 50], headers=[(b"content-length", b"3")])()

    assert run(ask()).status == 413


def test_a_body_that_does_not_come_is_given_up(route):
    async def ask() -> tuple[Caller, int]:
        app = LimitRequests(route, Limits(body_seconds=0.01))
        return await Caller(app, [])(), app.running

    caller, running = run(ask())
    assert caller.status == 408
    assert caller.headers["connection"] == "close"
    assert running == 0


def test_a_client_above_its_share_is_told_to_wait_and_others_are_not(route):
    async def ask() -> list[Caller]:
        app = LimitRequests(route, Limits(requests=8, requests_per_client=2))
        first = [asyncio.create_task(Caller(app)()) for _ in range(2)]
        while app.running < 2:
            await asyncio.sleep(0)
        surplus = await Caller(app)()
        other_token = asyncio.create_task(Caller(app, **{HOLDER_KEY: Holder("read", 1)})())
        other = asyncio.create_task(Caller(app, client="10.0.0.2")())
        await asyncio.sleep(0)
        route.go_on.set()
        return [surplus, *(await asyncio.gather(*first, other_token, other)), await Caller(app)()]

    surplus, *let_in = run(ask())
    assert (surplus.status, surplus.headers["retry-after"]) == (429, "1")
    assert "2 requests" in surplus.sentence
    assert [caller.status for caller in let_in] == [200] * 5


def test_callers_inside_the_cluster_share_only_the_whole(route):
    async def ask() -> list[Caller]:
        app = LimitRequests(route, Limits(requests=3, requests_per_client=1))
        inside = [asyncio.create_task(Caller(app, client=None)()) for _ in range(3)]
        while app.running < 3:
            await asyncio.sleep(0)
        surplus = await Caller(app, client=None)()
        route.go_on.set()
        return [surplus, *(await asyncio.gather(*inside))]

    assert [caller.status for caller in run(ask())] == [503, 200, 200, 200]


def test_above_the_whole_load_everyone_is_told_to_wait_but_health_answers(route):
    async def ask() -> tuple[Caller, Caller, int]:
        app = LimitRequests(route, Limits(requests=3, requests_per_client=2))
        running = [asyncio.create_task(Caller(app, client=f"10.0.0.{number}")()) for number in range(3)]
        while app.running < 3:
            await asyncio.sleep(0)
        surplus = await Caller(app, client="10.0.0.9")()
        route.go_on.set()
        health = await Caller(app, method="GET", path="/v1/health/live")()
        await asyncio.gather(*running)
        return surplus, health, app.running

    surplus, health, left = run(ask())
    assert (surplus.status, surplus.headers["retry-after"]) == (503, "1")
    assert health.status == 200
    assert left == 0


def test_a_place_is_free_again_after_a_failure():
    async def fail(*_: object) -> None:
        raise RuntimeError("no")

    async def ask() -> int:
        app = LimitRequests(fail, Limits())
        with pytest.raises(RuntimeError):
            await Caller(app)()
        return app.running

    assert run(ask()) == 0


def test_strangers_on_open_paths_take_no_place_of_others(route):
    async def ask() -> list[int]:
        app = LimitRequests(route, Limits(requests=1, open_requests=2))
        pages = [asyncio.create_task(Caller(app, method="GET", path="/viz")()) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
        surplus = await Caller(app, method="GET", path="/viz/app.js")()
        route.go_on.set()
        others = [await Caller(app)(), await Caller(app, method="GET", path="/v1/health/live")()]
        return [caller.status for caller in [surplus, *others, *(await asyncio.gather(*pages))]]

    assert run(ask()) == [503, 200, 200, 200, 200]


@pytest.mark.parametrize("path", ["/viz", "/v1/weights"])
def test_a_get_is_answered_without_its_body(route, path):
    async def ask() -> Caller:
        route.go_on.set()
        return await Caller(LimitRequests(route, Limits(body_bytes=1)), [], method="GET", path=path)()

    caller = run(ask())
    assert (caller.status, caller.body) == (200, b"")


def test_paths_are_those_of_the_routes_whatever_the_app_is_mounted_under(route):
    async def ask() -> int:
        app = LimitRequests(route, Limits(requests=1))
        task = asyncio.create_task(Caller(app, method="GET", root_path="/kat", path="/kat/viz")())
        await route.entered.wait()
        running = app.running
        route.go_on.set()
        await task
        return running

    assert run(ask()) == 0
