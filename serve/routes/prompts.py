"""Single prompts with their neighbors, and the texts of many."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from serve.answers import Pinned, ServiceOf, dump, problems
from serve.messages.common import PROMPT, PromptId
from serve.messages.prompts import NeighborsAnswer, PromptAnswer, PromptsAnswer, PromptsRequest
from serve.refusals import RefusedError

router = APIRouter(tags=["prompts"])

Named = Annotated[PromptId, Path(description="A prompt id of 16 hex digits.", examples=[PROMPT])]
Limit = Annotated[int, Query(ge=1, le=1_000, description="At most so many; the snapshot keeps some 20.", examples=[5])]


@router.post("/v1/prompts", response_model=PromptsAnswer, responses=problems(404, 409))
async def prompts(service: ServiceOf, served: Pinned, asked: PromptsRequest) -> Response:
    """The whole texts of many prompts, as many as a search may have results."""
    if len(asked.ids) > service.settings.limits.results:
        most = service.settings.limits.results
        raise RefusedError(422, f"There are {len(asked.ids):,} ids, expected at most {most:,}; ask in parts.")
    return await service.slow(lambda: dump(served, served.prompts.texts(asked.ids)))


@router.get("/v1/prompts/{prompt_id}", response_model=PromptAnswer, responses=problems(404, 409))
async def prompt(service: ServiceOf, served: Pinned, prompt_id: Named) -> Response:
    """One prompt: its conversation, its pairs, its numbers."""
    return await service.slow(lambda: dump(served, served.prompts.prompt(prompt_id)))


@router.get("/v1/prompts/{prompt_id}/neighbors", response_model=NeighborsAnswer, responses=problems(404, 409))
async def neighbors(service: ServiceOf, served: Pinned, prompt_id: Named, limit: Limit = 20) -> Response:
    """The prompts nearest to one, by the snapshot's graph."""
    return await service.slow(lambda: dump(served, served.prompts.neighbors(prompt_id, limit)))
