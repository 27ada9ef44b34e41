"""Weights: the whole column, by ids, and draws; in JSON or, as the headers Accept and Content-Type say, in Arrow."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from kat_ray.snapshot.wire import ARROW_FILE, ARROW_STREAM, encode_draw
from serve.answers import (
    CHECKSUM_HEADER,
    NOT_MODIFIED,
    PART,
    SNAPSHOT_HEADER,
    HeldFile,
    Pinned,
    ServiceOf,
    binary,
    dump,
    heed_range,
    problems,
    tagged,
    wants,
)
from serve.asgi import JSON_TYPE
from serve.messages.weights import DrawsAnswer, DrawsRequest, WeightColumn, WeightsAnswer, WeightsRequest
from serve.refusals import RefusedError
from serve.served import ServedSnapshot
from serve.services.weights import LookedUp

router = APIRouter(tags=["weights"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON_TYPE: {"schema": WeightsRequest.model_json_schema()},
            ARROW_STREAM: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get(
    "/v1/weights",
    response_model=WeightColumn,
    responses={
        **binary(ARROW_FILE, "ids and weights, or the weight table as an Arrow file: key, weight, density_percentile."),
        **PART,
        **NOT_MODIFIED,
        **problems(404, 409, 416),
    },
)
async def weight_column(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """The weight of every prompt; with `Accept: application/vnd.apache.arrow.file` the file that clients map."""
    is_arrow = wants(request, ARROW_FILE)
    stored = served.columns.arrow if is_arrow else served.columns.json
    made = stored.made
    file = made if made is not None else await service.slow(stored)
    headers, is_known = tagged(request, served, file.checksum, Vary="Accept")
    headers[CHECKSUM_HEADER] = file.checksum
    if is_known:
        return Response(None, 304, headers)
    heed_range(request, file.path.stat().st_size)
    return HeldFile(served, file, ARROW_FILE if is_arrow else JSON_TYPE, headers)


@router.post(
    "/v1/weights",
    response_model=WeightsAnswer,
    openapi_extra=_BODY,
    responses={
        **binary(ARROW_STREAM, "One record an id, in the order asked for; in Arrow one row an id.", is_tagged=False),
        **problems(404, 409, 415),
    },
)
async def weights_by_ids(request: Request, service: ServiceOf, served: Pinned) -> Response:
    """Weights of ids. A body in Arrow is answered in Arrow, one in JSON in JSON."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON_TYPE, ARROW_STREAM):
        raise RefusedError(415, f"The body is of another type; expected {JSON_TYPE} or {ARROW_STREAM}.")
    found, answer = await service.quick(_look_up_json if kind == JSON_TYPE else _look_up_arrow, served, body)
    service.metrics.ids.labels("present").inc(found.num_present)
    service.metrics.ids.labels("missing").inc(found.num_ids - found.num_present)
    return answer


@router.post(
    "/v1/draws",
    response_model=DrawsAnswer,
    responses={
        **binary(
            ARROW_STREAM,
            "Drawn ids in order, with their probabilities; in Arrow one row a draw: key, probability.",
            is_tagged=False,
        ),
        **problems(404, 409),
    },
)
async def draws(request: Request, service: ServiceOf, served: Pinned, wanted: DrawsRequest) -> Response:
    """n prompts by weight, a function of the snapshot and the request alone."""
    answer = await service.quick(_draw, served, wanted, wants(request, ARROW_STREAM))
    service.metrics.draws.labels(wanted.method).inc(wanted.n)
    return answer


def _look_up_json(served: ServedSnapshot, body: bytes) -> tuple[LookedUp, Response]:
    try:
        ids = WeightsRequest.model_validate_json(body).ids
    except ValidationError as error:
        reasons = error.errors(include_input=False, include_url=False, include_context=False)
        raise RequestValidationError([{**reason, "loc": ("body", *reason["loc"])} for reason in reasons]) from None
    found = served.weights.look_up(ids)
    return found, dump(served, found.content)


def _look_up_arrow(served: ServedSnapshot, body: bytes) -> tuple[LookedUp, Response]:
    found = served.weights.look_up_binary(body)
    return found, _arrow(served, found.content)


def _draw(served: ServedSnapshot, wanted: DrawsRequest, is_arrow: bool) -> Response:
    drawn = served.weights.draw(wanted.n, wanted.seed, wanted.epoch, wanted.method)
    if is_arrow:
        return _arrow(served, encode_draw(drawn))
    return dump(served, {"ids": drawn.ids.to_pylist(), "probabilities": drawn.probabilities})


def _arrow(served: ServedSnapshot, data: bytes) -> Response:
    return Response(data, media_type=ARROW_STREAM, headers={SNAPSHOT_HEADER: served.snapshot_id})
