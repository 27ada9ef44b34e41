"""What the service counts for Prometheus, and the layer that measures requests.

Labels are route templates, methods, statuses and snapshot ids: never a path as it was asked for, an id of a prompt, a
text or a token. Counts are of one process, which the label `replica` of every sample names: a proxy asks another one
each time, and without it their counts would look like one that is set back.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric

from serve.asgi import App, Message, Receive, Scope, Send

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset({"GET", "POST", "PUT", "OPTIONS", "HEAD", "DELETE", "PATCH"})
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PREFIX = "kat_ray_"


class Metrics:
    """Counters, gauges and histograms of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = here = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter(f"{_PREFIX}requests", "Requests by route template.", labels, registry=here)
        self.seconds = Histogram(
            f"{_PREFIX}request_seconds", "Time to the end of an answer.", labels[:2], buckets=_SECONDS, registry=here
        )
        self.ids = Counter(f"{_PREFIX}ids", "Ids looked up, by what became of them.", ("status",), registry=here)
        self.draws = Counter(f"{_PREFIX}draws", "Rows drawn.", ("method",), registry=here)
        self.texts = Counter(f"{_PREFIX}texts", "Unseen texts embedded.", ("purpose",), registry=here)
        self.switches = Counter(f"{_PREFIX}snapshot_switches", "Changes of the current snapshot.", registry=here)
        self.refreshes = Counter(f"{_PREFIX}refreshes", "Looks at the store.", ("outcome",), registry=here)
        self.snapshot = Gauge(f"{_PREFIX}snapshot_info", "1 for the current one.", ("snapshot_id",), registry=here)
        self.age = Gauge(f"{_PREFIX}snapshot_age_seconds", "Since the current one was built.", registry=here)
        self.in_work = Gauge(f"{_PREFIX}requests_in_work", "Requests in work now.", registry=here)

    def show_snapshot(self, snapshot_id: str, created_at: str) -> None:
        """From now on this snapshot is the current one."""
        self.snapshot.clear()
        self.snapshot.labels(snapshot_id).set(1)
        built = datetime.fromisoformat(created_at)
        self.age.set_function(lambda: datetime.now(UTC).timestamp() - built.timestamp())

    def render(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self)  # of a registry it only calls collect()

    def collect(self) -> Iterator[Metric]:
        """All of it, each sample with the process that counted."""
        replica = {"replica": f"{socket.gethostname()}:{os.getpid()}"}
        for metric in self.registry.collect():
            metric.samples = [sample._replace(labels={**sample.labels, **replica}) for sample in metric.samples]
            yield metric


class MeasureRequests:
    """Counts every answer, refusals of the other layers too, and the time it took."""

    def __init__(self, app: App, metrics: Metrics, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._clock(), "none"

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        with self._metrics.in_work.track_inprogress():
            try:
                await self._app(scope, receive, send_counted)
            finally:
                method = scope["method"] if scope["method"] in _METHODS else "other"
                route = str(getattr(scope.get("route"), "path", "none"))
                self._metrics.requests.labels(method, route, status).inc()
                self._metrics.seconds.labels(method, route).observe(self._clock() - started)
