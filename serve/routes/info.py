"""What the service says of itself to a client that has just met it, such as the viewer."""

from __future__ import annotations

from fastapi import APIRouter, Request

from serve.answers import ServiceOf
from serve.messages.info import RequestLimits, ServiceAnswer
from serve.security import HOLDER_KEY

router = APIRouter(tags=["service"])


@router.get("/v1/service")
async def service_info(request: Request, service: ServiceOf) -> ServiceAnswer:
    """Which version answers, from which snapshot, what this caller may do and how much at once."""
    limits, catalog = service.settings.limits, service.catalog
    holder = request.scope.get(HOLDER_KEY)
    return ServiceAnswer(
        version=request.app.version,
        chat_url=service.settings.chat_url,
        scope="open" if holder is None else holder.scope,
        limits=RequestLimits(ids=limits.ids, texts=limits.texts, text_chars=limits.text_chars, results=limits.results),
        snapshot_id=catalog.current().snapshot_id if catalog.is_ready else None,
    )
