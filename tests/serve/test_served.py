from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path

import pytest

from kat_ray.errors import SnapshotDamagedError
from serve.served import ServedSnapshot
from serve.services.encoders import Encoders
from serve.settings import Limits
from tests.serve.corpus import IDS


def served(store, snapshot_id: str | None = None) -> ServedSnapshot:
    return ServedSnapshot.open(store.location, snapshot_id, Encoders(device="cpu"), "cpu", Limits())


def test_opening_reads_what_look_ups_need_and_nothing_else(made):
    opened = served(made.store)
    assert opened.snapshot_id == made.current
    assert set(opened.snapshot._arrays) == {"weights", "density_percentile"}
    assert opened.columns.arrow.made is opened.columns.json.made is opened.embeddings_file.compressed.made is None


def test_all_services_answer_from_the_same_snapshot(made):
    opened = served(made.store, made.older)
    weight = opened.snapshot.weights[0]
    assert opened.weights.look_up(IDS[:1]).content["weights"][0]["probability"] == weight
    assert opened.prompts.prompt(IDS[0])["weight"] == weight
    assert opened.points.meta()["snapshot_id"] == made.older
    assert opened.search.find("bread", "substring", 1)["results"][0]["weight"] == weight


def test_its_private_folder_is_for_its_owner_alone_and_goes_with_it(made):
    opened = served(made.store)
    folder = opened.columns.arrow().path.parent
    assert folder.stat().st_mode & 0o077 == 0
    del opened
    gc.collect()
    assert not folder.exists()


def test_files_that_a_cleaner_removed_are_made_anew(made):
    opened = served(made.store)
    files = (opened.columns.arrow, opened.columns.json, opened.embeddings_file.compressed)
    before = [file() for file in files]
    shutil.rmtree(before[0].path.parent)
    assert [file.made for file in files] == [None] * 3
    after = [file() for file in files]
    assert [file.checksum for file in after] == [file.checksum for file in before]
    assert all(file.path.is_file() for file in after)


def test_everything_of_a_snapshot_goes_with_its_last_user_without_a_look_for_cycles(made):
    opened = served(made.store)
    opened.points.cloud(), opened.points.place(0), opened.embeddings_file.compressed()
    opened.search.find("bread", "substring", 1), opened.search.find("bread", "meaning", 1)
    parts = [weakref.ref(part) for part in (opened, opened.snapshot, opened.points, opened.unseen, opened.columns)]
    gc.collect()
    gc.disable()
    try:
        del opened
        assert [part() for part in parts] == [None] * 5
    finally:
        gc.enable()


def test_a_damaged_snapshot_does_not_open(store, made):
    Path(store.location.path, made.current, "weights.npy").write_bytes(b"cut")
    with pytest.raises(SnapshotDamagedError, match="weights"):
        served(store)
