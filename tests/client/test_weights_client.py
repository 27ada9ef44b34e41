from __future__ import annotations

import json
import logging
import pickle
import threading
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import pytest

from kat_ray.client.retries import Answer
from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import (
    InputError,
    ServiceRefusedError,
    ServiceUnavailableError,
    StaleWeightsError,
)
from kat_ray.geometry.sampling import draw
from kat_ray.geometry.weights import loss_weights
from kat_ray.snapshot.snapshot import Snapshot
from tests.client import service as faulty

METHODS = ["systematic", "with_replacement", "without_replacement"]
UNKNOWN = "0123456789abcdef"
SECRET = "s3cr3t-t0k3n"


def _rows(client: WeightsClient, epoch: int = 0) -> list[int]:
    return client.draw(40, seed=3, epoch=epoch).rows.tolist()


def _ids_in_another_process(client: WeightsClient) -> list[str]:
    return client.draw(12, seed=1).ids.to_pylist()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries do not pause."""
    fake = SimpleNamespace(sleep=lambda seconds: None, monotonic=time.monotonic, time=time.time)
    monkeypatch.setattr("kat_ray.client.retries.time", fake)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock for the client that is moved by hand."""
    clock = SimpleNamespace(seconds=1_800_000_000.0)
    monkeypatch.setattr("kat_ray.client.weights_client.time", SimpleNamespace(time=lambda: clock.seconds))
    return clock


def test_lookups_are_those_of_the_snapshot(client, store):
    snapshot = Snapshot.open(store.location)
    found = client.weights([*snapshot.ids.to_pylist()[::-1], UNKNOWN, "no id"])
    np.testing.assert_array_equal(found.weights, [*snapshot.weights[::-1], np.nan, np.nan])
    np.testing.assert_array_equal(found.density_percentile, [*snapshot.density_percentile[::-1], np.nan, np.nan])
    assert found.present.tolist() == [True] * 12 + [False] * 2


@pytest.mark.parametrize("method", METHODS)
def test_draws_are_those_of_the_snapshot(method, client, store):
    snapshot = Snapshot.open(store.location)
    drawn = client.draw(9, seed=5, epoch=2, method=method)
    np.testing.assert_array_equal(drawn.rows, draw(snapshot.weights, 9, method, 5, 2))
    assert drawn.ids.to_pylist() == [snapshot.ids[row].as_py() for row in drawn.rows.tolist()]
    assert drawn.snapshot_id == snapshot.snapshot_id


@pytest.mark.parametrize("method", METHODS)
def test_a_service_and_the_snapshot_itself_give_the_same(method, client, store):
    direct = WeightsClient(str(store.location))
    assert direct.snapshot_id == client.snapshot_id
    assert direct.draw(9, 1, 4, method).ids.equals(client.draw(9, 1, 4, method).ids)
    ids = [*Snapshot.open(store.location).ids.to_pylist(), UNKNOWN]
    for ours, theirs in [(direct.weights(ids), client.weights(ids))]:
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        np.testing.assert_array_equal(ours.rows, theirs.rows)


def test_loss_weights_have_mean_one_over_the_ids_that_were_asked_for(client, store):
    ids = [*Snapshot.open(store.location).ids.to_pylist()[:5], UNKNOWN]
    np.testing.assert_array_equal(client.loss_weights(ids), loss_weights(client.weights(ids).weights))
    assert client.loss_weights(ids)[5] == pytest.approx(1.0)
    assert client.loss_weights(ids, cap=1.2, mode="none").max() == 1.2


def test_after_the_first_fetch_the_service_may_die(client, service, quick):
    before = [_rows(client, epoch) for epoch in range(3)]
    service.stop()
    assert client.refresh() is False
    assert [_rows(client, epoch) for epoch in range(3)] == before


def test_an_outage_is_visible_until_it_is_over(client, service, quick, caplog):
    assert client.staleness.error is None
    checked_at = client.staleness.checked_at
    service.stop()
    with caplog.at_level(logging.WARNING):
        client.refresh()
    assert f"{service.url} is not available" in client.staleness.error
    assert f"snapshot {client.snapshot_id} stay in use" in caplog.text
    assert client.staleness.checked_at == checked_at
    service.start()
    assert client.refresh() is False
    assert client.staleness.error is None
    assert client.staleness.checked_at > checked_at


def test_staleness_is_counted_from_the_last_confirmation(service, cache, now):
    client = WeightsClient(service.url)
    now.seconds += 90.0
    assert client.staleness.seconds == 90.0
    assert client.staleness.checked_at == datetime.fromtimestamp(1_800_000_000, UTC)
    client.refresh()
    assert client.staleness.seconds == 0.0


def test_a_cache_that_cannot_be_written_is_no_failure(service, store, publish, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    client = WeightsClient(service.url, cache=tmp_path / "file")
    assert client.refresh() is False
    newer = publish(1)
    assert client.refresh() is True
    assert client.staleness.error is None
    assert _rows(client) == _rows(WeightsClient(str(store.location)))
    assert pickle.loads(pickle.dumps(client)).snapshot_id == newer


def test_refresh_brings_a_newer_snapshot(client, publish):
    old, before = client.table, _rows(client)
    newer = publish(1)
    assert _rows(client) == before
    assert client.refresh() is True
    assert client.snapshot_id == newer
    assert _rows(client) != before
    assert old.draw(40, seed=3).rows.tolist() == before


def test_a_start_during_an_outage_takes_the_last_good_weights_and_says_so(client, service, quick, caplog):
    service.stop()
    later = WeightsClient(service.url)
    assert _rows(later) == _rows(client)
    assert "is not available" in later.staleness.error
    assert later.staleness.checked_at == client.staleness.checked_at
    assert "come from the cache" in caplog.text


def test_a_start_during_an_outage_without_a_cache_is_an_error(service, cache, quick):
    service.stop()
    with pytest.raises(ServiceUnavailableError, match="is not available"):
        WeightsClient(service.url)


def test_a_start_with_a_wrong_token_is_refused_even_with_a_cache(client, service):
    service.token = SECRET
    with pytest.raises(ServiceRefusedError, match="status 401"):
        WeightsClient(service.url, token="another")


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("status", [302, 404, 410])
def test_a_proxy_that_answers_for_a_service_that_is_away_is_an_outage(status, pinned, client, service, cache):
    wanted = client.snapshot_id if pinned else None
    WeightsClient(service.url, snapshot_id=wanted)
    service.always = lambda handler, answer: Answer(status, {"location": "/login"}, b"<html>")
    later = WeightsClient(service.url, snapshot_id=wanted)
    assert _rows(later) == _rows(client)
    assert "leads to /login" in later.staleness.error or f"status {status}" in later.staleness.error
    with pytest.raises(ServiceRefusedError):
        WeightsClient(service.url, cache=cache / "another")


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_of_the_service_itself_is_none(code, client, service):
    WeightsClient(service.url, snapshot_id=client.snapshot_id)
    service.always = faulty.status(code)
    with pytest.raises(ServiceRefusedError, match=f"status {code}: Not now"):
        WeightsClient(service.url, snapshot_id=client.snapshot_id)


def test_fail_closed_gives_nothing_that_is_too_old(service, cache, now, quick):
    client = WeightsClient(service.url, max_staleness_seconds=60.0)
    now.seconds += 59.0
    _rows(client)
    now.seconds += 2.0
    for use in (
        lambda: client.table,
        lambda: client.draw(3),
        lambda: client.weights([]),
        lambda: client.loss_weights([]),
    ):
        with pytest.raises(StaleWeightsError, match=r"last confirmed 61 s ago, more than max_staleness_seconds=60"):
            use()
    assert client.refresh() is False
    _rows(client)


def test_fail_closed_ends_an_outage_that_lasts_too_long(service, cache, now, quick):
    client = WeightsClient(service.url, max_staleness_seconds=60.0)
    service.stop()
    now.seconds += 30.0
    assert client.refresh() is False
    now.seconds += 31.0
    with pytest.raises(StaleWeightsError, match="is not available"):
        client.refresh()
    with pytest.raises(StaleWeightsError):
        WeightsClient(service.url, max_staleness_seconds=60.0)


def test_a_snapshot_asked_for_by_id_stays_until_another_one_is(service, store, publish, cache):
    first, second, _ = store.current(), publish(1), publish(2)
    client = WeightsClient(service.url, snapshot_id=first)
    assert client.refresh() is False
    assert client.snapshot_id == first
    assert client.refresh(second) is True
    assert client.refresh() is False
    assert client.snapshot_id == second


def test_a_resumed_run_finds_its_snapshot_in_the_cache_during_an_outage(client, service, publish, quick):
    first, before = client.snapshot_id, _rows(client)
    publish(1)
    client.refresh()
    WeightsClient(service.url, snapshot_id=first)
    service.stop()
    assert _rows(WeightsClient(service.url, snapshot_id=first)) == before
    assert WeightsClient(service.url).snapshot_id == client.snapshot_id != first


def test_ranks_meet_at_the_snapshot_of_one_of_them(client, service, publish):
    other = WeightsClient(service.url)
    second = publish(1)
    client.refresh()
    publish(2)
    assert other.refresh(client.snapshot_id) is True
    assert other.snapshot_id == second
    assert _rows(other) == _rows(client)
    assert other.refresh() is True


@pytest.mark.parametrize("pinned", [False, True])
def test_a_snapshot_that_is_not_there_is_an_error_and_the_weights_stay(pinned, client, service):
    before = client.snapshot_id
    with pytest.raises(ServiceRefusedError, match=f"status 404: .*{UNKNOWN}"):
        WeightsClient(service.url, snapshot_id=UNKNOWN) if pinned else client.refresh(UNKNOWN)
    assert client.snapshot_id == before
    assert client.staleness.error is None


def test_a_pickled_client_goes_on_with_its_snapshot_while_the_service_is_away(client, service, publish):
    publish(1)
    service.stop()
    again = pickle.loads(pickle.dumps(client))
    assert _rows(again) == _rows(client)
    assert again.staleness.checked_at == client.staleness.checked_at
    assert len(pickle.dumps(client)) < 4000


def test_a_pickled_client_fetches_what_this_machine_does_not_have(client, service, publish, cache):
    publish(1)
    for path in cache.glob("*.arrow"):
        path.unlink()
    again = pickle.loads(pickle.dumps(client))
    assert _rows(again) == _rows(client)
    assert again.refresh() is True


def test_a_client_works_in_a_spawned_process(client):
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(_ids_in_another_process, (client,)) == _ids_in_another_process(client)


def test_no_thread_sees_two_snapshots_at_once(client, service, publish, store):
    known = {client.snapshot_id: _rows(client)}
    for number in range(2):
        snapshot_id = publish(number)
        known[snapshot_id] = WeightsClient(str(store.location)).draw(40, seed=3).rows.tolist()
    stop, wrong = threading.Event(), []

    def train() -> None:
        while not stop.is_set():
            drawn = client.draw(40, seed=3)
            if known[drawn.snapshot_id] != drawn.rows.tolist():
                wrong.append(drawn.snapshot_id)

    threads = [threading.Thread(target=train, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    came = []
    for turn in range(1, 13):
        store.set_current(list(known)[turn % 3])
        came.append(client.refresh())
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(came)


def test_a_message_reaches_the_service_with_the_token(service, cache):
    service.token = SECRET
    WeightsClient(service.url, token=SECRET).put("/v1/exposures/run", {"p": 1.5})
    assert service.received == {"run": {"p": 1.5}}
    assert json.loads(service.seen[-1].body) == {"p": 1.5}
    assert service.seen[-1].headers["content-type"] == "application/json"


def test_a_client_of_a_store_has_no_one_to_send_to(store):
    with pytest.raises(InputError, match="no service to send to"):
        WeightsClient(str(store.location)).put("/v1/exposures/run", {})


def test_the_token_is_shown_nowhere(service, cache, quick, caplog):
    service.token = SECRET
    client = WeightsClient(service.url, token=SECRET)
    service.stop()
    client.refresh()
    assert SECRET not in repr(client) + str(client.staleness) + caplog.text + repr(client.table)
    assert all(SECRET.encode() not in path.read_bytes() for path in cache.rglob("*") if path.is_file())


def test_options_that_cannot_be_are_refused(service, store, cache):
    with pytest.raises(InputError, match="token goes with the URL"):
        WeightsClient(str(store.location), token=SECRET)
    with pytest.raises(InputError, match="max_staleness_seconds is 0"):
        WeightsClient(service.url, max_staleness_seconds=0)
    with pytest.raises(InputError, match="timeout is -1"):
        WeightsClient(service.url, timeout_seconds=-1)
