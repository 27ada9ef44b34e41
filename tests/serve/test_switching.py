"""Publishing under load: no request fails, and no answer mixes two snapshots."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kat_ray.records import prompt_id
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.snapshot.wire import decode_draw, decode_lookup, encode_ids
from tests.serve.cluster import PUBLISH, RunningService, ask, load, wait_until
from tests.snapshot.conftest import TEXTS

IDS = [str(prompt_id(text)) for text in TEXTS]
ARROW = "application/vnd.apache.arrow.stream"
DRAW = {"n": 64, "seed": 5}


@pytest.fixture
def tables(ray_service: RunningService) -> dict[str, WeightTable]:
    """What each snapshot says, read from the store directly."""
    opened = {name: Snapshot.open(ray_service.store.location, name) for name in ray_service.snapshots}
    return {name: WeightTable.from_snapshot(snapshot) for name, snapshot in opened.items()}


def _works(service: RunningService, tables: dict[str, WeightTable], seen: set[str]) -> list[Callable[[], None]]:
    """Requests of each form whose whole answer must be that of the snapshot that it names."""
    body = encode_ids(IDS)
    pinned = iter(range(1_000_000))

    def look_up(path: str) -> str:
        answer = ask(service.url, "POST", path, body, content_type=ARROW)
        assert answer.status == 200, answer.body
        found, table = decode_lookup(answer.body), tables[answer.headers["x-snapshot-id"]]
        assert found.snapshot_id == table.snapshot_id
        np.testing.assert_array_equal(found.weights, table.lookup(IDS).weights)
        np.testing.assert_array_equal(found.density_percentile, table.lookup(IDS).density_percentile)
        return table.snapshot_id

    def by_arrow() -> None:
        seen.add(look_up("/v1/weights"))

    def by_pin() -> None:
        asked = service.snapshots[next(pinned) % len(service.snapshots)]
        assert look_up(f"/v1/weights?snapshot={asked}") == asked

    def by_json() -> None:
        answer = ask(service.url, "POST", "/v1/weights", {"ids": IDS})
        assert answer.status == 200, answer.body
        weights = [record["probability"] for record in answer.json["weights"]]
        assert answer.json["snapshot_id"] == answer.headers["x-snapshot-id"]
        assert weights == tables[answer.json["snapshot_id"]].lookup(IDS).weights.tolist()

    def by_draw() -> None:
        answer = ask(service.url, "POST", "/v1/draws", DRAW, accept=ARROW)
        assert answer.status == 200, answer.body
        drawn = decode_draw(answer.body)
        expected = tables[drawn.snapshot_id].draw(**DRAW)
        np.testing.assert_array_equal(drawn.keys, expected.keys)
        np.testing.assert_array_equal(drawn.probabilities, expected.probabilities)

    return [by_arrow, by_json, by_draw, by_pin]


@pytest.mark.parametrize("num_switches", [10, pytest.param(100, marks=pytest.mark.long)])
def test_switches_under_load_fail_no_request_and_mix_no_answer(
    ray_service: RunningService, tables: dict[str, WeightTable], num_switches: int
) -> None:
    seen: set[str] = set()
    with load(*_works(ray_service, tables, seen)) as tally:
        for number in range(num_switches):
            before = tally.done
            target = ray_service.snapshots[number % len(ray_service.snapshots)]
            if number % 2:
                ray_service.store.set_current(target)
            else:
                body = {"snapshot_id": target}
                assert ask(ray_service.url, "PUT", "/v1/snapshots/current", body, token=PUBLISH).status == 200
            wait_until(lambda target=target: ray_service.current() == {target})
            wait_until(lambda before=before: tally.done > before + 20)
    print(f"{num_switches} switches, {tally.done:,} requests, {len(tally.failures)} failed")
    assert tally.failures == []
    assert seen == set(ray_service.snapshots[: min(num_switches, len(ray_service.snapshots))])
