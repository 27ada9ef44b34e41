"""Unseen text: how crowded it is there and where it falls on the map; and search. Texts go in bodies only, since what
stands in a URL ends up in logs."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from serve.answers import Pinned, ServiceOf, dump, problems
from serve.messages.texts import DensityAnswer, ProjectAnswer, SearchAnswer, SearchRequest, TextsRequest
from serve.refusals import RefusedError
from serve.settings import Limits

router = APIRouter(tags=["texts"])


@router.post("/v1/density", response_model=DensityAnswer, responses=problems(404, 409))
async def density(service: ServiceOf, served: Pinned, asked: TextsRequest) -> Response:
    """How crowded unseen prompts are among the prompts of the snapshot, and the weights they would get.

    The first question to a process loads the encoder, which takes about two seconds.
    """
    _check(asked.texts, service.settings.limits)
    service.metrics.texts.labels("density").inc(len(asked.texts))
    return await service.texts(lambda: dump(served, {"results": served.unseen.density(asked.texts)}))


@router.post("/v1/project", response_model=ProjectAnswer, responses=problems(404, 409))
async def project(service: ServiceOf, served: Pinned, asked: TextsRequest) -> Response:
    """Where unseen prompts fall on the map.

    The first question to a process loads the encoder and the code of the layout, which takes about three seconds.
    """
    _check(asked.texts, service.settings.limits)
    service.metrics.texts.labels("project").inc(len(asked.texts))
    return await service.texts(lambda: dump(served, {"results": served.unseen.project(asked.texts)}))


@router.post("/v1/search", response_model=SearchAnswer, responses=problems(404, 409))
async def search(service: ServiceOf, served: Pinned, asked: SearchRequest) -> Response:
    """Prompts by a substring, or by meaning."""
    if asked.limit > service.settings.limits.results:
        raise RefusedError(422, f"limit is {asked.limit:,}, expected at most {service.settings.limits.results:,}.")
    service.metrics.texts.labels("search").inc(1 if asked.mode == "meaning" else 0)
    return await service.texts(lambda: dump(served, served.search.find(asked.text, asked.mode, asked.limit)))


def _check(texts: list[str], limits: Limits) -> None:
    if len(texts) > limits.texts:
        raise RefusedError(422, f"There are {len(texts):,} texts, expected at most {limits.texts:,}.")
    longest = max(map(len, texts))
    if longest > limits.text_chars:
        raise RefusedError(422, f"A text has {longest:,} characters, expected at most {limits.text_chars:,}.")
