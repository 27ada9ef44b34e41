from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import InputError, ServiceUnavailableError, SnapshotDamagedError, SnapshotNotFoundError
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.client import service as faulty


def _rows(client: WeightsClient) -> list[int]:
    return client.draw(40, seed=3).rows.tolist()


def test_refresh_costs_nothing_when_there_is_nothing_new(client, service):
    table = client.table
    assert client.refresh() is False
    assert client.table is table
    assert [(seen.status, seen.sent_bytes) for seen in service.seen[1:]] == [(304, 0)]


def test_a_second_client_takes_the_table_from_the_cache(client, service):
    same = WeightsClient(service.url)
    alias = WeightsClient(service.url.replace("127.0.0.1", "localhost"))
    assert _rows(same) == _rows(alias) == _rows(client)
    assert [seen.status for seen in service.seen] == [200, 304, 304]


def test_an_altered_cache_file_is_fetched_again(client, service, cache):
    (file,) = cache.glob("*.arrow")
    good = file.read_bytes()
    file.write_bytes(good[:-40] + bytes(40))
    again = WeightsClient(service.url)
    assert [seen.status for seen in service.seen] == [200, 304, 200]
    assert file.read_bytes() == good
    assert _rows(again) == _rows(client)


@pytest.mark.parametrize("fault", [faulty.altered, faulty.cut])
def test_weights_that_come_damaged_are_fetched_again(fault, service, cache):
    service.faults += [fault, fault]
    assert WeightsClient(service.url).table.num_prompts == 12
    assert [seen.status for seen in service.seen] == [200, 200, 200]


@pytest.mark.parametrize("fault", [faulty.altered, faulty.cut])
def test_weights_that_always_come_damaged_are_never_used(fault, service, cache, client, publish):
    before = _rows(client)
    service.always = fault
    publish(1)
    assert client.refresh() is False
    assert "came damaged" in client.staleness.error
    assert _rows(client) == before
    with pytest.raises(SnapshotDamagedError, match="came damaged"):
        WeightsClient(service.url, cache=cache / "another")


@pytest.mark.parametrize("headers", [{}, {"x-snapshot-id": "../../x", "etag": '"x"'}, {"etag": '"' + "a" * 64 + '"'}])
def test_another_kind_of_server_is_told_apart(headers, service, cache):
    service.always = lambda handler, answer: faulty.Answer(200, headers, b"<html>")
    with pytest.raises(SnapshotDamagedError, match=r"does not answer like a service of KAT-Ray"):
        WeightsClient(service.url)


def test_the_answer_for_another_snapshot_than_asked_for_is_refused(service, store, publish, cache):
    first, _ = store.current(), publish(1)
    service.always = lambda handler, answer: service.answer("GET", "/v1/weights", {}, b"")
    with pytest.raises(SnapshotDamagedError, match=f"was asked for snapshot {first}, but gives"):
        WeightsClient(service.url, snapshot_id=first)


@pytest.mark.parametrize("snapshot_id", ["", "x", "../../../../x", "0123456789ABCDEF", "0123456789abcdef&x=1"])
def test_what_is_no_snapshot_id_is_not_sent(snapshot_id, client, service):
    with pytest.raises(InputError, match="16 hex digits"):
        client.refresh(snapshot_id)
    with pytest.raises(InputError, match="16 hex digits"):
        WeightsClient(service.url, snapshot_id=snapshot_id)
    assert len(service.seen) == 1


def test_a_store_is_read_again_when_it_has_a_newer_snapshot(store, publish):
    client = WeightsClient(Path(store.location.path))
    assert client.refresh() is False
    newer = publish(1)
    assert client.refresh() is True
    assert client.snapshot_id == newer
    first = pickle.loads(pickle.dumps(client))
    publish(2)
    assert pickle.loads(pickle.dumps(client)).snapshot_id == first.snapshot_id == newer


def test_a_snapshot_folder_has_nothing_newer(store, publish):
    client = WeightsClient(str(store.folder(store.current())))
    publish(1)
    assert client.refresh() is False


def test_a_store_that_goes_away_leaves_the_last_good_weights(store):
    client = WeightsClient(str(store.location))
    before = _rows(client)
    store.location.delete()
    assert client.refresh() is False
    assert "There is no snapshot at" in client.staleness.error
    assert _rows(client) == before


def test_a_store_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SnapshotNotFoundError, match="There is no snapshot at"):
        WeightsClient(str(tmp_path / "nothing"))


@pytest.mark.parametrize("name", ["weights.npy", "density_percentile.npy", "prompts.parquet"])
def test_a_store_whose_files_were_altered_in_place_is_refused(name, store):
    file = Path(store.folder(store.current()).path) / name
    whole = file.read_bytes()
    middle = len(whole) - 24 if name.endswith("npy") else len(whole) // 3
    file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(SnapshotDamagedError, match=f"{name} has the checksum"):
        WeightsClient(str(store.location))


@pytest.fixture
def remote(s3_uri, store, tmp_path) -> Store:
    """The same store in a bucket."""
    bucket, local = Location(s3_uri(f"sources/{tmp_path.name}")), Path(store.location.path)
    for file in local.rglob("*"):
        if file.is_file():
            (bucket / str(file.relative_to(local))).write_bytes(file.read_bytes())
    return Store(bucket)


def test_a_remote_store_is_read_once_on_a_machine(remote, cache, monkeypatch):
    first = WeightsClient(remote.location.uri)
    (file,) = cache.glob("*.arrow")
    with file.open("rb") as stream:
        assert stream.read(6) == b"ARROW1"
    monkeypatch.setattr("kat_ray.client.sources.Snapshot", None)
    assert _rows(WeightsClient(remote.location.uri)) == _rows(first)
    assert _rows(pickle.loads(pickle.dumps(first))) == _rows(first)


def test_a_remote_store_that_is_away_leaves_the_last_good_weights(remote, cache, monkeypatch, tmp_path):
    first = WeightsClient(remote.location.uri)

    def unreachable(location: Location) -> None:
        raise InputError(f"Cannot reach {location}") from OSError("no connection")

    monkeypatch.setattr(Location, "info", unreachable)
    assert first.refresh() is False
    later = WeightsClient(remote.location.uri)
    assert _rows(later) == _rows(first)
    assert "is not available. Cannot reach s3://" in later.staleness.error
    with pytest.raises(ServiceUnavailableError, match="is not available"):
        WeightsClient(remote.location.uri, cache=tmp_path / "empty")
