"""Every job takes an edited snapshot like any other, and a build in its store makes nothing anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet as pq

from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.jobs.conftest import Job


@pytest.fixture
def edited(store: Path, tmp_path: Path) -> Store:
    """A store whose current snapshot is the built one with the first hundred weights ten times as large."""
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    edited = Store(Location(str(copied)))
    first = Snapshot.open(edited.location)
    child = edit_weights(edited, first.snapshot_id, first.ids[:100], 10.0)
    edited.set_current(child.snapshot_id)
    return edited


def test_inspect_sample_and_export_show_the_edited_weights(job: Job, edited: Store, tmp_path: Path) -> None:
    snapshot = Snapshot.open(edited.location)
    inspected = job("inspect", "--snapshot", edited.location.uri, "--verify")
    assert inspected.code == 0, inspected.stderr
    assert inspected.summary["snapshot_id"] == snapshot.snapshot_id
    assert "were multiplied by 10" in " ".join(inspected.stderr.split())
    explained = job("inspect", "--snapshot", edited.location.uri, "--id", snapshot.ids[7])
    assert explained.summary["edit_factors"] == [10.0], explained.stderr
    assert "multiplied by 10;" in explained.stderr
    sampled = job("sample", "--snapshot", edited.location.uri, "--budget", 100, "--out", tmp_path / "ids")
    assert sampled.code == 0, sampled.stderr
    assert (snapshot.row_of((tmp_path / "ids").read_text().split()) < 100).mean() > 0.5
    exported = job("export", "--snapshot", edited.location.uri, "--out", tmp_path / "out", "--formats", "parquet")
    assert exported.code == 0, exported.stderr
    np.testing.assert_array_equal(pq.read_table(tmp_path / "out" / "points.parquet")["weight"], snapshot.weights)


def test_a_build_in_the_store_of_an_edited_snapshot_embeds_nothing_and_leaves_it_whole(
    job: Job, edited: Store, pairs: Path
) -> None:
    child = edited.current()
    done = job("build", "--pairs", pairs, "--out", edited.location.uri, "--encoder", "hashing", "--weight-power", 3)
    assert done.code == 0, done.stderr
    assert (done.summary["embedded"], done.summary["status"]) == (0, "published")
    built = Snapshot.open(edited.location, verify="checksums")
    taken = {name for name, seconds in built.manifest.stage_seconds.items() if seconds == 0}
    assert taken == {"embeddings", "neighbors", "layout"}
    assert all(record.owner is None for record in built.manifest.columns)
    Snapshot.open(edited.location, child, "checksums")


def test_a_build_of_what_the_parent_holds_goes_back_to_it(job: Job, edited: Store, pairs: Path) -> None:
    parent = Snapshot.open(edited.location).manifest.parameters["parent"]
    done = job("build", "--pairs", pairs, "--out", edited.location.uri, "--encoder", "hashing")
    assert done.code == 0, done.stderr
    assert (done.summary["snapshot_id"], done.summary["status"]) == (parent, "recognized")
    assert edited.current() == parent


def test_new_texts_are_placed_onto_an_edited_snapshot_with_its_vectors(job: Job, edited: Store, tmp_path: Path) -> None:
    snapshot = Snapshot.open(edited.location)
    old = snapshot.prompts(np.arange(3), ["text"])["text"].to_pylist()
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in old))
    done = job("project", "--onto", edited.location.uri, "--texts", texts, "--out", tmp_path / "placed.parquet")
    assert done.code == 0, done.stderr
    placed = pq.read_table(tmp_path / "placed.parquet")
    assert [ids[0] for ids in placed["neighbor_ids"].to_pylist()] == snapshot.ids[:3].to_pylist()
