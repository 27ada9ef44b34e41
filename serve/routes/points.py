"""The map: points with their clusters, weights, ids and previews, and another snapshot placed in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from serve.answers import (
    BYTES,
    NOT_MODIFIED,
    PART,
    Documented,
    Pinned,
    ServiceOf,
    binary,
    bytes_answer,
    dump,
    pinned,
    problems,
    tagged,
)
from serve.messages.common import SNAPSHOT, SnapshotId
from serve.messages.prompts import PointsMeta, Previews
from serve.once import Once
from serve.served import ServedSnapshot
from serve.service import Service
from serve.services.points import Block

router = APIRouter(tags=["points"])

_MOST_CHUNKS = 2**31
_POINTS: Documented = {**NOT_MODIFIED, **problems(404, 409)}
_RANGES: Documented = {**PART, **NOT_MODIFIED, **problems(404, 409, 416)}


@router.get(
    "/v1/points",
    response_class=Response,
    responses={**binary(BYTES, "32 bytes of header, 8 bytes a point (kat_ray/snapshot/point_cloud.py)."), **_RANGES},
)
async def points(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The map, 8 bytes a point; any beginning of it is a fair picture of the whole."""
    return await _answer(request, service, served, served.points.cloud)


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
    responses={**binary(BYTES, "The cluster of each point, little-endian, 2 or 4 bytes as the meta say."), **_RANGES},
)
async def points_clusters(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The cluster of each point, in the order of the points; compressed for a client that takes gzip and all of it."""
    is_packed = "gzip" in request.headers.get("accept-encoding", "") and "range" not in request.headers
    points = served.points
    answer = await _answer(request, service, served, points.packed_labels if is_packed else points.labels)
    answer.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


@router.get(
    "/v1/points/weights",
    response_class=Response,
    responses={
        **binary(BYTES, "The loss weight of each point, float32 in little-endian bytes; 1 is uniform."),
        **_RANGES,
    },
)
async def points_weights(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The weight of each point times the number of points, in the order of the points."""
    return await _answer(request, service, served, served.points.loss_weights)


@router.get(
    "/v1/points/ids",
    response_class=Response,
    responses={**binary(BYTES, "The id of each point, its 16 hex digits as u64 in little-endian bytes."), **_RANGES},
)
async def points_ids(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The id of each point as a number, in the order of the points."""
    return await _answer(request, service, served, served.points.keys)


@router.get(
    "/v1/points/comparison",
    response_class=Response,
    responses={
        **binary(BYTES, "32 bytes of header, 12 bytes a prompt, 1 byte a point (kat_ray/snapshot/comparison.py)."),
        **_RANGES,
    },
)
async def points_comparison(
    request: Request,
    service: ServiceOf,
    served: Pinned,
    other: Annotated[
        SnapshotId, Query(alias="with", description="The snapshot that is placed in this map.", examples=[SNAPSHOT])
    ],
) -> Response:
    """Another snapshot's prompts in this map, and around each point how much denser they are.

    Half a minute at most, the longest where 20,000 of them are new to a quarter of a million; more are refused.
    """
    compared = await pinned(service, other)
    block = await service.rare(service.comparisons.compare, served, compared)
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


async def _answer(request: Request, service: Service, served: ServedSnapshot, made: Once[Block]) -> Response:
    block = await service.slow(made)
    return bytes_answer(request, served, block.data, block.digest, BYTES)
