"""What runs report of the prompts that they trained on. A run reports with the token that it reads weights with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, Response

from serve.answers import HolderOf, ServiceOf, problems
from serve.messages.exposures import RUN, ExposureReport, RunEntry, RunList, StoredExposure
from serve.services.exposures import RUN_NAME

router = APIRouter(tags=["exposures"])

Run = Annotated[
    str,
    Path(
        pattern=RUN_NAME,
        description="Letters, digits, . _ and -, at most 64, beginning with one of the former.",
        examples=[RUN],
    ),
]


@router.get("/v1/exposures")
async def list_runs(service: ServiceOf) -> RunList:
    """Every run that has reported, the latest first."""
    runs = await service.slow(lambda: service.exposures().runs())
    return RunList(runs=[RunEntry(**run) for run in runs])


@router.get("/v1/exposures/{run}", response_model=StoredExposure, responses=problems(404, 409))
async def exposure(service: ServiceOf, run: Run) -> Response:
    """The last report of a run."""
    return JSONResponse(await service.slow(lambda: service.exposures().get(run)))


@router.put(
    "/v1/exposures/{run}",
    status_code=204,
    responses={
        201: {"description": "The first report of this run was kept."},
        204: {"description": "The report was kept in place of the last one."},
        **problems(409),
    },
)
async def report_exposure(service: ServiceOf, holder: HolderOf, run: Run, report: ExposureReport) -> Response:
    """Keep the report of a run in place of its last one. A run that was first reported with a token that has a name
    takes reports of tokens of that name alone."""
    is_new = await service.slow(lambda: service.exposures().put(run, report.model_dump(), holder))
    return Response(status_code=201 if is_new else 204)
