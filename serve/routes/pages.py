"""The seeds' file of points, which others read, and the page that shows this API."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from kat_ray.errors import SnapshotMismatchError
from serve.answers import HTML_PAGE, NOT_MODIFIED, Asked, HeldFile, ServiceOf, pinned, problems, tagged
from serve.asgi import JSON_TYPE
from serve.docs_page import render_docs
from serve.messages.pages import SeedsFile
from serve.refusals import RefusedError
from serve.served import ServedSnapshot

router = APIRouter(tags=["pages"])

_NO_DATA = (
    "Embedding data not found. Build a snapshot with its map: `python -m jobs.build --pairs FILE --out STORE`, and "
    "serve that store."
)
_CHUNK_BYTES = 1 << 20


@router.get("/api/embeddings_3d", response_model=SeedsFile, responses={**NOT_MODIFIED, **problems(404, 409)})
async def embeddings_3d(request: Request, service: ServiceOf, snapshot: Asked = None) -> Response:
    """The seeds' embeddings_3d.json; made when it is first asked for, which takes ten seconds at 250,000."""
    if snapshot is None and not service.catalog.is_ready:
        raise RefusedError(404, _NO_DATA)
    served = await pinned(service, snapshot)
    try:
        file = await service.rare(served.embeddings_file.compressed)
    except SnapshotMismatchError:
        raise RefusedError(404, _NO_DATA) from None
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    tag = file.checksum[:32] + ("" if is_packed else "-plain")
    headers, is_known = tagged(request, served, tag, Vary="Accept-Encoding")
    if is_known:
        return Response(None, 304, headers)
    if not is_packed:
        return StreamingResponse(_unpacked(served, file.path), headers=headers, media_type=JSON_TYPE)
    request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
    return HeldFile(served, file, JSON_TYPE, headers | {"Content-Encoding": "gzip"})


@router.get("/docs", response_class=HTMLResponse, responses=HTML_PAGE)
async def docs(request: Request) -> Response:
    """This API as one page without scripts; /openapi.json is the same for programs."""
    return HTMLResponse(render_docs(request.app.openapi()))


def _unpacked(_: ServedSnapshot, path: Path) -> Iterator[bytes]:
    """The plain bytes; the snapshot, and so its folder, stays until the last one is sent."""
    with gzip.open(path) as stream:
        while part := stream.read(_CHUNK_BYTES):
            yield part
