"""Which snapshot is current, under changes of the store, damage, and many threads."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kat_ray.errors import SnapshotDamagedError
from kat_ray.geometry.weights import WeightConfig
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.catalog import NUM_OLD, SnapshotCatalog
from serve.refusals import RefusedError
from serve.served import ServedSnapshot
from serve.services.encoders import Encoders
from serve.settings import Limits
from tests.serve.corpus import IDS, publish


class Watched:
    """A catalog of a place, and what it opened and switched to."""

    def __init__(self, place: Location) -> None:
        self.opened: list[str | None] = []
        self.switches: list[tuple[str | None, str]] = []
        self.catalog = SnapshotCatalog(place, self._open, self._switched)
        self._place = place

    def _open(self, snapshot_id: str | None) -> ServedSnapshot:
        self.opened.append(snapshot_id)
        return ServedSnapshot.open(self._place, snapshot_id, Encoders(), "cpu", Limits())

    def _switched(self, old: ServedSnapshot | None, new: ServedSnapshot) -> None:
        self.switches.append((old.snapshot_id if old else None, new.snapshot_id))


@pytest.fixture
def watched(store: Store) -> Watched:
    watched = Watched(store.location)
    watched.catalog.refresh()
    return watched


def test_the_current_snapshot_of_a_store_is_followed(watched, made, store):
    catalog = watched.catalog
    assert catalog.current().snapshot_id == made.current
    assert not catalog.refresh()
    store.set_current(made.older)
    assert catalog.current().snapshot_id == made.current
    assert catalog.refresh()
    assert catalog.current().snapshot_id == made.older
    assert watched.switches == [(None, made.current), (made.current, made.older)]


def test_a_request_keeps_the_snapshot_that_it_has_begun_with(watched, made, store):
    begun = watched.catalog.current()
    store.set_current(made.older)
    watched.catalog.refresh()
    assert begun.weights.look_up(IDS[:1]).content["snapshot_id"] == made.current
    assert watched.catalog.get(made.current) is begun


def test_an_old_snapshot_is_opened_once_and_answered_from(watched, made):
    catalog = watched.catalog
    found = []
    together = threading.Barrier(6)

    def ask() -> None:
        together.wait()
        found.append(catalog.get(made.older))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert watched.opened == [made.current, made.older]
    assert catalog.current().snapshot_id == made.current


def test_only_a_few_old_ones_are_held_the_least_asked_for_goes_first(watched, store, tmp_path):
    more = [publish(store, tmp_path, WeightConfig(), number=number) for number in range(NUM_OLD + 1)]
    for snapshot_id in more:
        watched.catalog.get(snapshot_id)
    assert watched.catalog.held(more[0]) is None
    assert all(watched.catalog.held(snapshot_id) is not None for snapshot_id in more[1:])


def test_files_of_a_snapshot_that_nobody_holds_are_gone(watched, made):
    served = watched.catalog.get(made.older)
    folder = served.columns.arrow().path.parent
    assert folder.is_dir()
    watched.catalog._old.clear()
    del served
    assert not folder.exists()


@pytest.mark.parametrize("damage", ["pointer", "unknown", "cut"])
def test_a_damaged_store_leaves_the_snapshot_and_says_why(watched, made, store, damage):
    pointer = Path(store.location.path, "current")
    if damage == "pointer":
        pointer.write_text("{")
    elif damage == "unknown":
        pointer.write_text(json.dumps({"snapshot_id": "0" * 16}))
    else:
        store.set_current(made.older)
        Path(store.location.path, made.older, "weights.npy").write_bytes(b"cut")
    assert not watched.catalog.refresh()
    assert watched.catalog.current().snapshot_id == made.current
    assert watched.catalog.problem
    store.set_current(made.current)
    watched.catalog.refresh()
    assert watched.catalog.problem is None


def test_a_store_that_is_still_empty_is_followed_until_there_is_something(made, tmp_path):
    store = Store(Location(str(tmp_path / "later")))
    watched = Watched(store.location)
    assert not watched.catalog.refresh()
    with pytest.raises(RefusedError, match="No snapshot is ready") as refused:
        watched.catalog.current()
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "2"})
    published = publish(store, tmp_path, WeightConfig())
    assert watched.catalog.refresh()
    assert watched.catalog.current().snapshot_id == published


def test_an_unknown_snapshot_is_404_and_a_damaged_one_409(watched, made, store):
    with pytest.raises(RefusedError) as unknown:
        watched.catalog.get("0" * 16)
    Path(store.location.path, made.older, "layout.npy").unlink()
    with pytest.raises(RefusedError, match="layout") as damaged:
        watched.catalog.get(made.older)
    assert (unknown.value.status, damaged.value.status) == (404, 409)


def test_a_switch_changes_the_store_for_everyone(watched, made, store):
    other = Watched(store.location)
    other.catalog.refresh()
    assert watched.catalog.switch(made.older).snapshot_id == made.older
    assert watched.catalog.current().snapshot_id == store.current() == made.older
    assert other.catalog.refresh()
    assert other.catalog.current().snapshot_id == made.older


@pytest.mark.parametrize("damage", [False, True])
def test_a_switch_to_what_cannot_be_served_changes_nothing(watched, made, store, damage):
    if damage:
        Path(store.location.path, made.older, "weights.npy").unlink()
    with pytest.raises(RefusedError):
        watched.catalog.switch(made.older if damage else "0" * 16)
    assert watched.catalog.current().snapshot_id == store.current() == made.current


def test_one_snapshot_alone_is_served_and_never_changes(made):
    place = made.store.folder(made.older)
    watched = Watched(place)
    assert watched.catalog.refresh()
    assert not watched.catalog.refresh()
    assert watched.catalog.current().snapshot_id == made.older
    assert [entry.snapshot_id for entry in watched.catalog.list()] == [made.older]
    with pytest.raises(RefusedError) as unknown:
        watched.catalog.get(made.current)
    with pytest.raises(RefusedError, match="serve the store") as refused:
        watched.catalog.switch(made.older)
    assert (unknown.value.status, refused.value.status) == (404, 409)


def test_all_snapshots_are_listed_with_the_current_one_marked(watched, made):
    assert {entry.snapshot_id: entry.current for entry in watched.catalog.list()} == {
        made.current: True,
        made.older: False,
    }


def test_a_manifest_is_read_without_opening_the_snapshot(watched, made):
    assert watched.catalog.manifest(made.older) == Snapshot.open(made.store.location, made.older).manifest
    assert watched.opened == [made.current]


def test_a_store_that_cannot_be_reached_is_503(watched, made, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(Store, "manifest", fail)
    with pytest.raises(RefusedError, match="try again") as refused:
        watched.catalog.get(made.older)
    assert refused.value.status == 503
    monkeypatch.setattr(Store, "current", fail)
    assert not watched.catalog.refresh()
    assert "no route to host" in str(watched.catalog.problem)


def test_many_switches_under_many_readers_never_mix_two_snapshots(watched, made, store):
    """Each reader takes one snapshot and asks it twice; the weights of both answers belong to the id in them."""
    right = {one: Snapshot.open(store.location, one).weights[:3].tolist() for one in (made.current, made.older)}
    ended, failures = threading.Event(), []

    def read() -> None:
        while not ended.is_set():
            served = watched.catalog.current()
            content = served.weights.look_up(IDS[:3]).content
            if [entry["probability"] for entry in content["weights"]] != right[content["snapshot_id"]]:
                failures.append(content)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(30):
        store.set_current((made.older, made.current)[number % 2])
        watched.catalog.refresh()
    ended.set()
    for reader in readers:
        reader.join()
    assert len(watched.switches) == 31
    assert not failures


def test_a_snapshot_whose_ids_are_damaged_is_not_switched_to(watched, made, monkeypatch, store):
    def fail(*_: object, **__: object) -> None:
        raise SnapshotDamagedError("no")

    monkeypatch.setattr(Snapshot, "open", fail)
    store.set_current(made.older)
    assert not watched.catalog.refresh()
    assert watched.catalog.current().snapshot_id == made.current


def test_an_opening_that_takes_long_holds_up_no_other_snapshot_and_no_look_at_the_store(made, store):
    """The older snapshot is opened by two at a time, and meanwhile the current one is found and switched to."""
    begun, go_on = threading.Event(), threading.Event()
    opened = []

    def open_slowly(snapshot_id: str | None) -> ServedSnapshot:
        opened.append(snapshot_id)
        if snapshot_id == made.older:
            begun.set()
            go_on.wait(60)
        return ServedSnapshot.open(store.location, snapshot_id, Encoders(), "cpu", Limits())

    catalog = SnapshotCatalog(store.location, open_slowly, lambda *_: None)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(catalog.get, made.older) for _ in range(2)]
        assert begun.wait(60)
        assert catalog.refresh()
        with pytest.raises(RefusedError):
            catalog.get("0" * 16)
        assert catalog.get(made.current).snapshot_id == made.current
        assert not any(one.done() for one in waiting)
        go_on.set()
        first, second = (one.result() for one in waiting)
    assert first is second
    assert opened == [made.older, made.current]
