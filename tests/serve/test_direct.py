"""An app asked inside its process gets the request as a server would hand it over, and its answer comes back whole."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp

from serve.direct import ask


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request) -> Response:
        seen = {"x-name": name, "x-query": request.url.query, "x-host": request.headers["host"]}
        return Response(await request.body(), 201, {**seen, "X-Sent": request.headers.get("x-sent", "")})

    @app.get("/parts")
    async def parts() -> StreamingResponse:
        async def three():
            for part in (b"a", b"b", b"c"):
                yield part

        return StreamingResponse(three())

    @app.get("/twice")
    async def twice() -> Response:
        response = Response()
        response.headers.append("x-many", "1")
        response.headers.append("x-many", "2")
        return response

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("on purpose")

    return app


def _ask(app: ASGIApp, *request: object) -> tuple[int, dict[str, str], bytes]:
    return asyncio.run(ask(app, *request))  # type: ignore[arg-type]


def test_path_query_headers_and_body_arrive_and_the_answer_comes_back(app: FastAPI) -> None:
    status, headers, body = _ask(app, "post", "/echo/a%20b?k=1&l=%2F", {"X-Sent": "yes"}, b"\x00body")
    assert (status, body) == (201, b"\x00body")
    assert headers["x-name"] == "a b"
    assert headers["x-query"] == "k=1&l=%2F"
    assert headers["x-sent"] == "yes"
    assert headers["x-host"] == "localhost"


def test_a_host_that_is_named_is_kept(app: FastAPI) -> None:
    assert _ask(app, "POST", "/echo/a", {"Host": "example.org"}, b"")[1]["x-host"] == "example.org"


def test_a_streamed_answer_is_put_together(app: FastAPI) -> None:
    assert _ask(app, "GET", "/parts", {}, b"")[2] == b"abc"


def test_headers_that_repeat_are_joined(app: FastAPI) -> None:
    assert _ask(app, "GET", "/twice", {}, b"")[1]["x-many"] == "1, 2"


def test_a_refusal_of_the_app_is_an_answer(app: FastAPI) -> None:
    assert _ask(app, "GET", "/nowhere", {}, b"")[0] == 404


def test_what_the_app_raises_reaches_the_asker(app: FastAPI) -> None:
    with pytest.raises(ValueError, match="on purpose"):
        _ask(app, "GET", "/broken", {}, b"")
