from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kat_ray.errors import SnapshotDamagedError, SnapshotMismatchError, SnapshotNotFoundError
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location


class PowerCut(BaseException):
    """What happens to the machine in the middle of a publication."""


class Fuse:
    """Lets a number of changes to files through, then cuts the power before or after the next one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.after = False
        for name in ("move_to", "write_bytes", "delete"):
            monkeypatch.setattr(Location, name, self._guard(getattr(Location, name)))

    def _guard(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> None:
            if self.left == 0 and not self.after:
                raise PowerCut
            change(*arguments)
            if self.left == 0:
                raise PowerCut
            self.left = None if self.left is None else self.left - 1

        return guarded


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty folder on this machine, then one in an object store."""
    if request.param == "local":
        return Location(str(tmp_path / "place"))
    return Location(request.getfixturevalue("s3_uri")(f"stores/{tmp_path.name}"))


def test_a_published_snapshot_is_current_and_reads_the_same_everywhere(place, make_columns):
    store, manifest = Store(place / "store"), make_columns((place / "store" / ".work").uri)
    assert store.publish(store.location / ".work", manifest).status == "published"
    assert store.current() == manifest.snapshot_id
    assert store.manifest(manifest.snapshot_id) == manifest
    snapshot = Snapshot.open(store.location, verify="checksums")
    assert snapshot.weights.sum() == pytest.approx(1)
    assert snapshot.pairs_of(2).num_rows == 3


def test_an_equal_build_is_recognized_and_becomes_current_again(place, make_columns):
    store = Store(place / "store")
    for number, k in enumerate((2, 3, 2)):
        work = store.location / f".work-{number}"
        result = store.publish(work, make_columns(work.uri, k=k))
    assert result.status == "recognized"
    assert result.differing == ()
    assert store.current() == result.snapshot_id
    assert len(store.list()) == 2


def test_the_same_id_with_other_bytes_keeps_the_first_and_names_the_columns(store, make_columns, tmp_path):
    manifest = make_columns(tmp_path / "again")
    clusters = Location(str(tmp_path / "again" / "clusters.json"))
    clusters.write_bytes(clusters.read_bytes().replace(b"bread", b"bream"))
    changed = [
        replace(record, checksum="0" * 64) if record.name == "cluster_terms" else record for record in manifest.columns
    ]
    result = store.publish(Location(str(tmp_path / "again")), replace(manifest, columns=tuple(changed)))
    assert (result.status, result.differing) == ("kept_first", ("cluster_terms",))
    assert Snapshot.open(store.location, verify="checksums").cluster_table[0]["terms"] == ["bake", "bread"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_power_cut_at_any_step_leaves_the_previous_snapshot_and_a_second_try_completes(
    store, make_columns, tmp_path, monkeypatch, after
):
    previous, fuse, steps = store.current(), Fuse(monkeypatch), 0
    while True:
        fuse.left = None
        work = tmp_path / f"work-{steps}"
        manifest = make_columns(work, attempt=steps)
        fuse.left, fuse.after = steps, after
        try:
            store.publish(Location(str(work)), manifest)
        except PowerCut:
            pointed = Snapshot.open(store.location, verify="checksums").snapshot_id
            assert pointed == previous or (after and pointed == manifest.snapshot_id)
            for entry in store.list():
                Snapshot.open(store.location, entry.snapshot_id)
            fuse.left = None
            store.publish(Location(str(work)), manifest)
            previous = Snapshot.open(store.location, verify="checksums").snapshot_id
            assert previous == manifest.snapshot_id
        else:
            break
        steps += 1
    assert steps == len(manifest.columns) + 3, "a manifest put away, every column, the manifest, the pointer"


def test_a_power_cut_in_an_object_store_is_survived_too(s3_uri, make_columns, tmp_path, monkeypatch):
    store = Store(Location(s3_uri(f"cut/{tmp_path.name}")))
    work = store.location / ".work"
    store.publish(work, make_columns(work.uri))
    previous, manifest = store.current(), make_columns(work.uri, attempt=1)
    Fuse(monkeypatch).left = 4
    with pytest.raises(PowerCut):
        store.publish(work, manifest)
    monkeypatch.undo()
    assert Snapshot.open(store.location).snapshot_id == previous
    assert [entry.snapshot_id for entry in store.list()] == [previous]
    assert store.publish(work, manifest).status == "published"
    assert Snapshot.open(store.location, verify="checksums").snapshot_id == manifest.snapshot_id


def test_a_damaged_snapshot_is_replaced_by_an_equal_build(store, make_columns, tmp_path):
    weights = Path(store.folder(store.current()).path) / "weights.npy"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(SnapshotDamagedError):
        Snapshot.open(store.location)
    assert store.publish(Location(str(tmp_path / "again")), make_columns(tmp_path / "again")).status == "published"
    Snapshot.open(store.location, verify="checksums")


def test_nothing_is_moved_when_a_column_is_missing_or_has_another_size(store, make_columns, tmp_path):
    manifest = make_columns(tmp_path / "next", attempt=1)
    (tmp_path / "next" / "layout.npy").unlink()
    with pytest.raises(SnapshotMismatchError, match=r"layout\.npy has 0 bytes .* expected"):
        store.publish(Location(str(tmp_path / "next")), manifest)
    assert not store.folder(manifest.snapshot_id).exists()
    assert (tmp_path / "next" / "weights.npy").exists()


def test_an_invalid_manifest_is_not_published(store, make_columns, tmp_path):
    manifest = replace(make_columns(tmp_path / "next", attempt=1), snapshot_id="0" * 16)
    with pytest.raises(SnapshotDamagedError, match="altered"):
        store.publish(Location(str(tmp_path / "next")), manifest)
    assert len(store.list()) == 1


def test_snapshots_are_listed_newest_first_and_half_written_ones_are_none(store, make_columns, tmp_path):
    times = ["2026-03-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"]
    for number, time in enumerate(times):
        manifest = replace(make_columns(tmp_path / f"w{number}", attempt=number), created_at=time)
        store.publish(Location(str(tmp_path / f"w{number}")), manifest)
    make_columns(tmp_path / "store" / ("ab" * 8))
    (tmp_path / "store" / ("cd" * 8)).mkdir()
    (tmp_path / "store" / ("cd" * 8) / "manifest.json").write_text("{")
    assert [entry.created_at for entry in store.list()] == [*times, "2026-01-02T03:04:05+00:00"]


def test_an_older_snapshot_can_be_made_current_but_not_an_unknown_one(store, make_columns, tmp_path):
    first = store.current()
    store.publish(Location(str(tmp_path / "w")), make_columns(tmp_path / "w", attempt=1))
    store.set_current(first)
    assert store.current() == first
    for unknown in ("ef" * 8, "../../etc", ""):
        with pytest.raises(SnapshotNotFoundError):
            store.set_current(unknown)
    assert store.current() == first


def test_a_renamed_folder_is_not_the_snapshot_of_its_new_name(store, tmp_path):
    Path(store.folder(store.current()).path).rename(tmp_path / "store" / ("ab" * 8))
    with pytest.raises(SnapshotDamagedError, match="renamed"):
        store.set_current("ab" * 8)


def test_an_empty_place_says_how_to_build(place):
    with pytest.raises(SnapshotNotFoundError, match=r"python -m jobs\.build"):
        Store(place / "nothing").current()


@pytest.mark.parametrize(
    "pointer", ["", "[]", "7", '{"snapshot_id": 3}', '{"snapshot_id": "../x"}', "\x00", '{"id": 1}']
)
def test_a_pointer_that_is_not_ours_is_refused(tmp_path, pointer):
    (tmp_path / "current").write_text(pointer)
    with pytest.raises(SnapshotDamagedError, match="current"):
        Store(Location(str(tmp_path))).current()


def test_the_pointer_is_the_json_that_the_format_promises(store):
    assert json.loads((store.location / "current").read_bytes()) == {"snapshot_id": store.list()[0].snapshot_id}
