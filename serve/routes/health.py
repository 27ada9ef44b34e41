"""Whether the process answers, whether it has a snapshot, and what it counted."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from serve.answers import ServiceOf, text
from serve.messages.snapshots import Alive, Ready
from serve.metrics import METRICS_TYPE

router = APIRouter(tags=["health"])

_METRICS = """# HELP kat_ray_draws_total Rows drawn.
# TYPE kat_ray_draws_total counter
kat_ray_draws_total{method="systematic",replica="gpu7:4711"} 512.0
"""
_PROBLEM = "The store cannot be followed at the moment; the snapshot stays. The service's log says why."


@router.get("/v1/health/live")
async def live() -> Alive:
    """The process answers."""
    return Alive(status="alive")


@router.get("/v1/health/ready")
async def ready(service: ServiceOf) -> Ready:
    """A snapshot is open and is answered from."""
    problem = _PROBLEM if service.catalog.problem is not None else None
    return Ready(status="ready", snapshot_id=service.catalog.current().snapshot_id, problem=problem)


@router.get(
    "/metrics",
    response_class=Response,
    responses=text("text/plain", "Prometheus' text format.", _METRICS),
)
async def metrics(service: ServiceOf) -> Response:
    """What this process counted: requests, times, ids, draws, the snapshot and its age.

    Behind a proxy each answer is one replica's, which the label `replica` names; scrape replicas by their own ports for
    all of them, or sum over the label.
    """
    return Response(await service.quick(service.metrics.render), media_type=METRICS_TYPE)
