"""From ids to weights over HTTP: many ids a request in Arrow against one id a request in JSON, and other servers."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.servers.redis_server import (
    WeightsInRedis,
    answers_per_second,
    has_redis,
    question,
    running_redis,
    weights_in,
)
from benchmark.servers.service import running, running_plain
from benchmark.servers.traffic import Request, measure
from kat_ray.arrays import Float64Vector
from kat_ray.snapshot.wire import ARROW_STREAM, decode_lookup, encode_ids

_JSON = "application/json"
_THROUGHPUT = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "1",  # the process that starts the service has no event loop
}
_MICROSECONDS = 1e6
_NO_REDIS = "There is no redis-server (pip install -e '.[benchmark]'), so it is not beside these."


def measure_http(corpus: Corpus) -> Findings:
    """Microseconds an id: of the service as it is started, of its throughput mode, of uvicorn alone, and of Redis."""
    snapshot, sizes, found = corpus.shown, corpus.sizes, Findings()
    rows = np.random.default_rng(0).permutation(snapshot.num_prompts)[: sizes.lookups]
    lookups = Lookups(snapshot.ids.take(rows).to_pylist(), np.array(snapshot.weights[rows]))
    uri, folder, seconds = snapshot.location.uri, corpus.folder, sizes.load_seconds
    with running(uri) as service:
        one, many = lookups.measure(service, folder, seconds, found)
    note = f"An id: Arrow with {len(rows):,} ids a request, JSON with one."
    found.measures.append(Measure.less("ids -> weights, Ray Serve", "µs", many, one, 200, note))
    with running(uri, **_THROUGHPUT) as service:
        found.measures.append(_beside("Serve in throughput mode", *lookups.measure(service, folder, seconds, found)))
    with running_plain(uri) as service:
        plain = lookups.measure(service, folder, seconds, found)
    found.measures.append(_beside("uvicorn alone", *plain))
    if has_redis():
        redis = lookups.in_redis(seconds, found)
        found.measures.append(Measure.less("Ray Serve, against Redis MGET", "µs", many, redis))
        found.measures.append(Measure.less("uvicorn, against Redis MGET", "µs", plain[1], redis))
    else:
        found.measures[0] = Measure.less("ids -> weights, Ray Serve", "µs", many, one, 200, f"{note} {_NO_REDIS}")
    return found


class Lookups:
    """Some ids and their true weights, asked for in all ways."""

    def __init__(self, ids: Sequence[str], weights: Float64Vector) -> None:
        self._ids, self._weights = list(ids), weights
        self._one = Request("JSON", 1, json.dumps({"ids": self._ids[:1]}).encode(), _JSON)
        self._many = Request("Arrow", len(self._ids), encode_ids(self._ids), ARROW_STREAM)

    def measure(self, service: str, folder: Path, seconds: float, found: Findings) -> tuple[float, float]:
        """Microseconds an id, one and many a request; a doubt where an answer is wrong or missing."""
        self._check(service, found)
        taken = []
        for request in (self._one, self._many):
            figures = measure(service, request, seconds, folder)
            found.expect(figures.num_failed == 0, f"{figures.num_failed} requests failed.")
            taken.append(_MICROSECONDS / (figures.requests_per_second * request.num_ids))
        return taken[0], taken[1]

    def in_redis(self, seconds: float, found: Findings) -> float:
        """Microseconds an id of MGET with all ids."""
        with running_redis() as port:
            client = WeightsInRedis(port)
            client.fill(self._ids, self._weights.tolist())
            answer = client.get(question(self._ids), len(self._ids))
            client.close()
            self._expect(np.asarray(weights_in(answer, len(self._ids))), "Redis", found)
            return _MICROSECONDS / (answers_per_second(port, self._ids, seconds) * len(self._ids))

    def _check(self, service: str, found: Findings) -> None:
        many = decode_lookup(_post(service, self._many)).weights
        self._expect(many, "The service", found)
        one = json.loads(_post(service, self._one))["weights"][0]["probability"]
        found.expect(bool(np.isclose(one, self._weights[0])), "The service has another weight in JSON.")

    def _expect(self, weights: Float64Vector, who: str, found: Findings) -> None:
        found.expect(bool(np.array_equal(weights, self._weights)), f"{who} answers with other weights.")


def _beside(name: str, one: float, many: float) -> Measure:
    return Measure.less(name, "µs", many, one, note="Stated beside it.")


def _post(service: str, request: Request) -> bytes:
    asked = urllib.request.Request(service + request.path, request.body, request.headers)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        return bytes(answer.read())
