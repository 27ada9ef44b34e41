"""Single prompts, and the map: points, clusters, previews."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from serve.answers import (
    BYTES,
    NOT_MODIFIED,
    Documented,
    Pinned,
    ServiceOf,
    binary,
    bytes_answer,
    dump,
    problems,
    tagged,
)
from serve.messages.common import PROMPT, PromptId
from serve.messages.prompts import NeighborsAnswer, PointsMeta, Previews, PromptAnswer

router = APIRouter(tags=["prompts"])

_MOST_CHUNKS = 2**31

Named = Annotated[PromptId, Path(description="A prompt id of 16 hex digits.", examples=[PROMPT])]
Limit = Annotated[int, Query(ge=1, le=1_000, description="At most so many; the snapshot keeps some 20.", examples=[5])]
_POINTS: Documented = {**NOT_MODIFIED, **problems(404, 409)}


@router.get("/v1/prompts/{prompt_id}", response_model=PromptAnswer, responses=problems(404, 409))
async def prompt(service: ServiceOf, served: Pinned, prompt_id: Named) -> Response:
    """One prompt: its conversation, its pairs, its numbers."""
    return await service.slow(lambda: dump(served, served.prompts.prompt(prompt_id)))


@router.get("/v1/prompts/{prompt_id}/neighbors", response_model=NeighborsAnswer, responses=problems(404, 409))
async def neighbors(service: ServiceOf, served: Pinned, prompt_id: Named, limit: Limit = 20) -> Response:
    """The prompts nearest to one, by the snapshot's graph."""
    return await service.slow(lambda: dump(served, served.prompts.neighbors(prompt_id, limit)))


@router.get(
    "/v1/points",
    response_class=Response,
    responses={**binary(BYTES, "32 bytes of header, 8 bytes a point (kat_ray/snapshot/point_cloud.py)."), **_POINTS},
)
async def points(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The map, 8 bytes a point; any beginning of it is a fair picture of the whole."""
    block = await service.slow(served.points.cloud)
    return bytes_answer(request, served, block.data, block.digest, BYTES)


@router.get("/v1/points/meta", response_model=PointsMeta, responses=_POINTS)
async def points_meta(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """Sources by code, clusters with their words, level ends and bounds."""
    headers, is_known = tagged(request, served, f"{served.snapshot_id}-meta")
    if is_known:
        return Response(None, 304, headers)
    answer = await service.slow(lambda: dump(served, served.points.meta()))
    answer.headers.update(headers)
    return answer


@router.get(
    "/v1/points/clusters",
    response_class=Response,
    responses={**binary(BYTES, "The cluster of each point, little-endian, 2 or 4 bytes as the meta say."), **_POINTS},
)
async def points_clusters(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The cluster of each point, in the order of the points."""
    block = await service.slow(served.points.labels)
    return bytes_answer(request, served, block.data, block.digest, BYTES)


@router.get("/v1/points/previews/{chunk}", response_model=Previews, responses=_POINTS)
async def points_previews(
    request: Request,
    service: ServiceOf,
    served: Pinned,
    chunk: Annotated[int, Path(ge=0, lt=_MOST_CHUNKS, description="512 points each, numbered from 0.", examples=[0])],
) -> Response:
    """Ids and beginnings of texts of one chunk of points; for ever the same where the snapshot is named."""
    headers, is_known = tagged(request, served, f"{served.snapshot_id}-{chunk}")
    if is_known:
        return Response(None, 304, headers)
    answer = await service.slow(lambda: dump(served, served.points.previews(chunk)))
    answer.headers.update(headers)
    return answer
