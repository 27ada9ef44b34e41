from __future__ import annotations

import gc
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
    assert not list(opened.columns._folder.iterdir())


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


def test_a_damaged_snapshot_does_not_open(store, made):
    Path(store.location.path, made.current, "weights.npy").write_bytes(b"cut")
    with pytest.raises(SnapshotDamagedError, match="weights"):
        served(store)
