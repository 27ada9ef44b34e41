"""Replicas die under load and nobody who retries notices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kat_ray.client.retries import Retries
from kat_ray.client.transport import HttpTransport
from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import ServiceUnavailableError
from kat_ray.records import prompt_id
from kat_ray.snapshot.wire import decode_lookup, encode_ids
from tests.serve.cluster import READ, RunningService, load, wait_until
from tests.snapshot.conftest import TEXTS

IDS = [str(prompt_id(text)) for text in TEXTS]
ARROW = {"content-type": "application/vnd.apache.arrow.stream"}
NUM_ASKERS = 3


@pytest.mark.parametrize("num_kills", [3, pytest.param(30, marks=pytest.mark.long)])
def test_killed_replicas_are_not_noticed_by_who_retries(
    ray_service: RunningService, tmp_path: Path, num_kills: int
) -> None:
    transport, once = HttpTransport(ray_service.url, READ), HttpTransport(ray_service.url, READ, retries=Retries(0))
    client = WeightsClient(ray_service.url, token=READ, cache=tmp_path)
    expected = client.weights(IDS).weights
    body = encode_ids(IDS)

    noticed: list[str] = []

    def look_up() -> None:
        answer = transport.request("POST", "/v1/weights", headers=ARROW, body=body)
        np.testing.assert_array_equal(decode_lookup(answer.body).weights, expected)

    def look_up_once() -> None:
        try:
            once.request("POST", "/v1/weights", headers=ARROW, body=body)
        except ServiceUnavailableError as error:
            noticed.append(str(error))

    def refresh() -> None:
        client.refresh()
        assert client.staleness.error is None

    wait_until(ray_service.is_whole)
    with load(*[look_up, look_up_once] * NUM_ASKERS, refresh) as tally:
        for number in range(num_kills):
            before = tally.done
            victim = ray_service.replicas()[number % 2]
            victim.kill()
            wait_until(lambda victim=victim: ray_service.is_whole(without=victim))
            wait_until(lambda before=before: tally.done > before + 20)
    print(f"{num_kills} kills, {tally.done:,} requests, {len(tally.failures)} failed, {len(noticed)} without retries")
    assert tally.failures == []
