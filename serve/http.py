"""The one app factory: from settings to an ASGI app with all routes, checks and limits, whatever server runs it.

Layers, outermost first: measure, secure headers, host and origin, CORS, tokens, limits, failsafe, routes. All of them
are in the app, so they hold on every port that it is reached through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from kat_ray.version import program_version
from serve.answers import CHECKSUM_HEADER, SNAPSHOT_HEADER
from serve.description import describe
from serve.errors import Failsafe, install
from serve.limits import LimitRequests
from serve.metrics import MeasureRequests
from serve.once import Once
from serve.routes import exposures, health, info, pages, points, prompts, snapshots, texts, viewer, weights
from serve.security import CheckHost, RequireScope, SecureHeaders
from serve.service import Service
from serve.settings import ServiceSettings

_ROUTERS = (health, info, snapshots, weights, texts, prompts, points, exposures, viewer, pages)


def make_app(settings: ServiceSettings) -> FastAPI:
    """An app over the snapshots of the settings. From start-up to shut-down it follows the store; without a start-up,
    as in a test, `await app.state.service.look()` does it once."""
    service = Service(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.look()
        follower = asyncio.create_task(service.follow())
        yield
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower

    app = FastAPI(
        title="KAT-Ray",
        version=program_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # spans and logs would hold what was asked
    )
    app.state.service = service
    for module in _ROUTERS:
        app.include_router(module.router)
    described = Once(lambda: describe(app, settings))
    app.openapi = described  # type: ignore[method-assign]
    install(app)
    _surround(app, settings, service)
    return app


def _surround(app: FastAPI, settings: ServiceSettings, service: Service) -> None:
    """Put the layers around the routes, the innermost first."""
    app.add_middleware(Failsafe)
    app.add_middleware(LimitRequests, limits=settings.limits)
    app.add_middleware(RequireScope, tokens=service.tokens)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", "Range"],
            expose_headers=["ETag", "Location", "Retry-After", SNAPSHOT_HEADER, CHECKSUM_HEADER],
        )
    app.add_middleware(CheckHost, settings=settings)
    app.add_middleware(SecureHeaders)
    app.add_middleware(MeasureRequests, metrics=service.metrics)
