"""Which snapshots there are, what they say of themselves, and changes: the switch and edits (scope publish)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from kat_ray.snapshot.card import render_card
from serve.answers import SNAPSHOT_HEADER, Documented, HolderOf, Pinned, ServiceOf, problems, text
from serve.asgi import JSON_TYPE
from serve.messages.common import SNAPSHOT, SnapshotId
from serve.messages.snapshots import (
    CARD,
    CurrentSnapshot,
    EditAnswer,
    EditRequest,
    ManifestAnswer,
    SnapshotEntry,
    SnapshotList,
)
from serve.served import ServedSnapshot

router = APIRouter(tags=["snapshots"])

Named = Annotated[SnapshotId, Path(description="A snapshot id, as GET /v1/snapshots lists them.", examples=[SNAPSHOT])]
_CARD: Documented = {**text("text/plain", "The card as plain text of 72 columns.", CARD), **problems(404, 409)}


@router.get("/v1/snapshots")
async def list_snapshots(service: ServiceOf) -> SnapshotList:
    """Every snapshot of the store, newest first."""
    entries = await service.slow(service.catalog.list)
    return SnapshotList(snapshots=[SnapshotEntry(**asdict(entry)) for entry in entries])


@router.get("/v1/snapshots/current")
async def current_snapshot(service: ServiceOf) -> CurrentSnapshot:
    """The snapshot that is answered from where none is named."""
    return CurrentSnapshot(snapshot_id=service.catalog.current().snapshot_id)


@router.put("/v1/snapshots/current", responses=problems(404, 409))
async def switch_snapshot(service: ServiceOf, holder: HolderOf, wanted: CurrentSnapshot) -> CurrentSnapshot:
    """Make a snapshot the current one: here at once, on other replicas within their refresh time."""
    switched = await service.slow(service.publishing.switch, wanted.snapshot_id, holder)
    return CurrentSnapshot(snapshot_id=switched.snapshot_id)


@router.post(
    "/v1/snapshots/{snapshot_id}/edits",
    status_code=201,
    response_model=EditAnswer,
    responses={200: {"model": EditAnswer, "description": "The store had this child already."}, **problems(404, 409)},
)
async def edit_weights(service: ServiceOf, holder: HolderOf, snapshot_id: Named, edit: EditRequest) -> JSONResponse:
    """Multiply the weights of some prompts. A child snapshot is published; it is not made the current one."""
    edited = await service.slow(service.publishing.edit, snapshot_id, edit.ids, edit.factor, holder)
    answer = EditAnswer(snapshot_id=edited.snapshot_id, parent=snapshot_id, is_new=edited.is_new)
    headers = {"Location": f"/v1/snapshots/{edited.snapshot_id}/manifest"}
    return JSONResponse(answer.model_dump(), 201 if edited.is_new else 200, headers)


@router.get("/v1/snapshots/{snapshot_id}/manifest", response_model=ManifestAnswer, responses=problems(404, 409))
async def snapshot_manifest(service: ServiceOf, snapshot_id: Named) -> Response:
    """The manifest of one snapshot: how it was made, its columns with checksums, its numbers."""
    manifest = await service.slow(service.catalog.manifest, snapshot_id)
    return Response(manifest.to_json(), media_type=JSON_TYPE, headers={SNAPSHOT_HEADER: snapshot_id})


@router.get("/v1/snapshots/{snapshot_id}/card", response_class=PlainTextResponse, responses=_CARD)
async def snapshot_card(service: ServiceOf, snapshot_id: Named) -> Response:
    """The card of one snapshot as plain text, without words of prompts."""
    served = await service.slow(service.catalog.get, snapshot_id)
    return await service.slow(_card, served)


@router.get("/v1/manifest", response_model=ManifestAnswer, responses=problems(404, 409))
async def manifest(served: Pinned) -> Response:
    """The manifest of the current snapshot, or of the one that is named."""
    data = served.snapshot.manifest.to_json()
    return Response(data, media_type=JSON_TYPE, headers={SNAPSHOT_HEADER: served.snapshot_id})


@router.get("/v1/card", response_class=PlainTextResponse, responses=_CARD)
async def card(service: ServiceOf, served: Pinned) -> Response:
    """The card of the current snapshot, or of the one that is named, as plain text."""
    return await service.slow(_card, served)


def _card(served: ServedSnapshot) -> Response:
    return PlainTextResponse(render_card(served.snapshot) + "\n", headers={SNAPSHOT_HEADER: served.snapshot_id})
