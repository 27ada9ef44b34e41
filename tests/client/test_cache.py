from __future__ import annotations

import hashlib
import os
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from kat_ray.client.cache import Version, WeightCache
from kat_ray.errors import InputError, SnapshotDamagedError
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable

OTHER = Version("0123456789abcdef", "ab" * 32)


@pytest.fixture
def data(store, tmp_path) -> bytes:
    """The table of the twelve points."""
    WeightTable.write(Snapshot.open(store.location), tmp_path / "table")
    return (tmp_path / "table").read_bytes()


@pytest.fixture
def version(store, data) -> Version:
    return Version(store.current(), hashlib.blake2b(data, digest_size=32).hexdigest())


def _file(cache: Path) -> Path:
    (file,) = cache.glob("*.arrow")
    return file


def _add_and_open(folder: Path, version: Version, data: bytes, rounds: int) -> int:
    """How many opened tables were whole."""
    cache, whole = WeightCache(folder), 0
    for _ in range(rounds):
        cache.add(version, data)
        table = cache.open(version)
        whole += table is not None and abs(table.weights.sum() - 1.0) < 1e-12
    return whole


def test_a_kept_table_is_the_one_that_was_given(cache, version, data, store):
    added = WeightCache(cache).add(version, data)
    opened = WeightCache(cache).open(version)
    for table in (added, opened):
        np.testing.assert_array_equal(table.weights, Snapshot.open(store.location).weights)
    assert WeightCache(cache).versions() == [version]
    assert _file(cache).read_bytes() == data


def test_what_is_not_there_is_none(cache, version):
    assert WeightCache(cache).open(version) is None
    assert WeightCache(cache).versions() == []
    assert WeightCache(cache).recall("a service") is None


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"", lambda data: data[1:]]
)
def test_bytes_that_are_not_those_of_the_checksum_are_refused_and_not_kept(change, cache, version, data):
    with pytest.raises(
        SnapshotDamagedError, match=f"{version.snapshot_id} came damaged: .*expected {version.checksum}"
    ):
        WeightCache(cache).add(version, change(data))
    assert not list(cache.glob("*.arrow"))


@pytest.mark.parametrize("place", [0, 40, 200, -60, -1])
def test_an_altered_file_is_removed_so_that_it_is_fetched_again(place, cache, version, data):
    folder = WeightCache(cache)
    folder.add(version, data)
    broken = bytearray(data)
    broken[place] ^= 1
    _file(cache).write_bytes(broken)
    assert folder.open(version) is None
    assert folder.versions() == []


def test_whole_bytes_that_are_no_table_are_refused(cache, store):
    data = b"no table at all"
    version = Version(store.current(), hashlib.blake2b(data, digest_size=32).hexdigest())
    with pytest.raises(SnapshotDamagedError, match="cannot be read as a weight table"):
        WeightCache(cache).add(version, data)
    assert WeightCache(cache).open(version) is None


def test_the_table_of_another_snapshot_is_refused_and_not_kept(cache, version, data):
    with pytest.raises(SnapshotDamagedError, match=f"as those of snapshot {OTHER.snapshot_id}, but are of"):
        WeightCache(cache).add(Version(OTHER.snapshot_id, version.checksum), data)
    assert WeightCache(cache).versions() == []


@pytest.mark.parametrize(
    "names", [("../../etc/passwd", "ab" * 32), ("0123456789abcdef", "../x"), ("", ""), ("0" * 17, "a" * 64)]
)
def test_names_that_lead_elsewhere_are_refused(names):
    with pytest.raises(SnapshotDamagedError, match="expected 16 and 64 hex digits"):
        Version(*names)


def test_the_last_used_tables_stay_and_mapped_ones_stay_readable(cache, publish, store, tmp_path):
    folder, versions, tables = WeightCache(cache, keep=2), [], []
    for number in range(4):
        publish(number)
        checksum = WeightTable.write(Snapshot.open(store.location), tmp_path / "table")
        versions.append(Version(store.current(), checksum))
        tables.append(folder.add(versions[-1], (tmp_path / "table").read_bytes()))
        for age, version in enumerate(reversed(versions)):
            if (path := cache / f"{version.snapshot_id}-{version.checksum}.arrow").exists():
                os.utime(path, (time.time(), time.time() - 10 * age))
    assert folder.versions() == [versions[3], versions[2]]
    assert all(table.weights.sum() == pytest.approx(1.0) for table in tables)


def test_opening_a_table_counts_as_using_it(cache, publish, store, tmp_path):
    folder, versions = WeightCache(cache, keep=2), []
    for number in range(3):
        publish(number)
        versions.append(Version(store.current(), WeightTable.write(Snapshot.open(store.location), tmp_path / "table")))
        folder.add(versions[-1], (tmp_path / "table").read_bytes())
        for path in cache.glob("*.arrow"):
            os.utime(path, (1000.0 + number, path.stat().st_mtime - 1000.0))
        folder.open(versions[0])
    assert set(folder.versions()) == {versions[0], versions[2]}


def test_what_a_killed_process_left_behind_goes_after_a_day(cache, version, data):
    cache.mkdir()
    for name, age in {".old.part": 90_000, ".new.part": 60}.items():
        (cache / name).write_bytes(b"half")
        os.utime(cache / name, (time.time() - age,) * 2)
    WeightCache(cache).add(version, data)
    assert [path.name for path in cache.glob(".*.part")] == [".new.part"]


def test_a_note_tells_what_a_service_gave_last(cache):
    folder = WeightCache(cache)
    folder.remember("one", OTHER, 17.5)
    assert (folder.recall("one").version, folder.recall("one").checked_at) == (OTHER, 17.5)
    assert folder.recall("another") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"snapshot_id": "../..", "checksum": "x", "checked_at": 1}', b"\xff"]
)
def test_a_note_that_cannot_be_read_is_none(content, cache):
    WeightCache(cache).remember("one", OTHER, 17.5)
    (note,) = (cache / "sources").iterdir()
    note.write_bytes(content)
    assert WeightCache(cache).recall("one") is None


def test_a_table_that_cannot_be_kept_is_used_from_memory_and_the_log_says_what_to_do(tmp_path, version, data, caplog):
    (tmp_path / "file").write_bytes(b"")
    folder = WeightCache(tmp_path / "file" / "cache")
    assert folder.add(version, data).to_bytes() == data
    assert "Cannot write the cache of weights" in caplog.text
    assert "KAT_RAY_CACHE" in caplog.text
    folder.remember("one", version, 17.5)
    assert folder.recall("one") is None


def test_the_folder_is_the_users_own_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KAT_RAY_CACHE", raising=False)
    assert WeightCache().folder == tmp_path / ".cache" / "kat-ray" / "weights"
    monkeypatch.setenv("KAT_RAY_CACHE", str(tmp_path / "named"))
    assert WeightCache().folder == tmp_path / "named"


def test_no_other_user_may_look_into_the_folder(cache, version, data):
    WeightCache(cache).add(version, data)
    assert cache.stat().st_mode & 0o077 == 0


def test_processes_write_and_read_one_table_at_once(cache, version, data):
    with get_context("spawn").Pool(3) as pool:
        whole = pool.starmap(_add_and_open, [(cache, version, data, 30)] * 3)
    assert whole == [30, 30, 30]
    assert [path.name for path in cache.iterdir()] == [_file(cache).name]


def test_keeping_nothing_is_refused():
    with pytest.raises(InputError, match="expected at least 1"):
        WeightCache("anywhere", keep=0)
