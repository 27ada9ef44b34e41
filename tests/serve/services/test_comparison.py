"""Comparisons of snapshots whose truth is known: equal, edited, a part of it, and unseen prompts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.snapshot import columns
from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.manifest import COLUMN_FILES
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location
from serve.refusals import RefusedError
from serve.served import ServedSnapshot
from serve.services import comparison
from serve.services.comparison import NUM_KEPT, Comparisons
from serve.services.encoders import Encoders
from serve.settings import Limits
from tests.serve.corpus import IDS

POINT = np.dtype([("position", "<u2", 3), ("source", "u1"), ("percentile", "u1"), ("same", "<u4")])
NO_POINT = 0xFFFFFFFF


def serve(snapshot: Snapshot) -> ServedSnapshot:
    return ServedSnapshot(snapshot, Encoders(), "cpu", Limits())


def renamed(
    snapshot: Snapshot, folder: Path, rows: list[int], renamed_rows: list[int], **changes: Any
) -> ServedSnapshot:
    """A snapshot of some rows of another, some of them under new ids; neighbors of a row are the next two."""
    place, numbers = Location(str(folder)), np.arange(len(rows))
    prompts = snapshot.prompts(np.array(rows))
    ids = [f"{row:016x}" if row in renamed_rows else IDS[row] for row in rows]
    prompts = prompts.set_column(prompts.column_names.index("id"), prompts.schema.field("id"), [ids])
    columns.write_parquet(place / COLUMN_FILES["prompts"], columns.PROMPTS_SCHEMA, [prompts])
    kept = ("embeddings", "density", "density_percentile", "layout")
    arrays = {name: snapshot.array(name)[rows] for name in kept} | {
        "weights": np.full(len(rows), 1 / len(rows)),
        "neighbor_indices": ((numbers[:, None] + [1, 2]) % len(rows)).astype(np.int32),
        "neighbor_distances": np.full((len(rows), 2), 0.5, np.float32),
    }
    for name, array in arrays.items():
        columns.write_npy(place / COLUMN_FILES[name], [array], array.shape, array.dtype)
    counts = replace(snapshot.manifest.counts, prompts=len(rows))
    return serve(Snapshot(place, replace(snapshot.manifest, snapshot_id="ab" * 8, counts=counts, **changes)))


@pytest.fixture
def this(snapshot) -> ServedSnapshot:
    return serve(snapshot)


def read(data: bytes, num_other: int) -> tuple[np.ndarray, np.ndarray]:
    points = np.frombuffer(data, POINT, num_other, 32)
    return points, np.frombuffer(data, np.int8, offset=32 + 12 * num_other)


def own_positions(served: ServedSnapshot) -> np.ndarray:
    return served.points.map.points()["position"]


def test_a_snapshot_lies_on_itself_and_is_as_dense_everywhere(this):
    points, ratios = read(Comparisons().compare(this, this).data, len(IDS))
    assert points["same"].tolist() == list(range(len(IDS)))
    assert (points["position"] == own_positions(this)).all()
    assert ratios.tolist() == [0] * len(IDS)


def test_an_edit_shares_the_layout_and_the_density(store, this):
    child = edit_weights(store, this.snapshot_id, IDS[:5], 3.0).snapshot_id
    other = serve(Snapshot.open(store.location, child))
    points, ratios = read(Comparisons().compare(this, other).data, len(IDS))
    assert (points["position"] == own_positions(this)).all()
    assert not ratios.any()


def test_unseen_prompts_of_an_equal_text_stand_on_it_and_count_there(this, snapshot, tmp_path):
    cluster = list(range(5))
    other = renamed(snapshot, tmp_path / "other", cluster, cluster)
    points, ratios = read(Comparisons().compare(this, other).data, 5)
    assert (points["same"] == NO_POINT).all()
    own = own_positions(this)[this.points.map.places[other.points.map.order]]
    assert (np.abs(points["position"].astype(int) - own) <= 1).all()
    by_row = ratios[this.points.map.places]
    assert (by_row[:5] > 0).all()
    far = ~np.isin(snapshot.neighbor_indices, cluster).any(axis=1)
    far[cluster] = False
    assert far.sum() > 3
    assert (by_row[far] < 0).all()


def test_shared_and_unseen_prompts_are_told_apart(this, snapshot, tmp_path):
    other = renamed(snapshot, tmp_path / "other", list(range(20)), [3, 7])
    points, _ = read(Comparisons().compare(this, other).data, 20)
    unseen = points["same"] == NO_POINT
    assert sorted(other.points.map.order[unseen].tolist()) == [3, 7]
    assert points["same"][~unseen].tolist() == this.points.map.places[other.points.map.order[~unseen]].tolist()


def test_under_another_encoder_shared_prompts_stand_with_their_neighbors_and_unseen_ones_are_refused(
    this, snapshot, tmp_path
):
    encoder = {**snapshot.manifest.encoder, "revision": "0" * 32}
    other = renamed(snapshot, tmp_path / "shared", list(range(len(IDS))), [], encoder=encoder)
    points, ratios = read(Comparisons().compare(this, other).data, len(IDS))
    assert not ratios.any()
    row = int(other.points.map.order[0])
    expected = snapshot.layout[[(row + 1) % len(IDS), (row + 2) % len(IDS)]].mean(axis=0)
    assert np.abs(points["position"][0] - (expected + 1) * 65535 / 2).max() <= 1
    strange = renamed(snapshot, tmp_path / "strange", list(range(20)), [3], encoder=encoder)
    with pytest.raises(RefusedError, match="different encoders") as refused:
        Comparisons().compare(this, strange)
    assert refused.value.status == 409


def test_too_many_unseen_prompts_are_refused_with_what_to_do(this, snapshot, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_UNSEEN", 1)
    other = renamed(snapshot, tmp_path / "other", list(range(20)), [3, 7])
    with pytest.raises(RefusedError, match=r"2 prompts .* jobs\.project --onto") as refused:
        Comparisons().compare(this, other)
    assert refused.value.status == 409


def test_the_last_answers_are_kept_and_no_more(this, made):
    comparisons = Comparisons()
    older = serve(Snapshot.open(made.store.location, made.older))
    kept = comparisons.compare(this, older)
    assert comparisons.compare(this, older) is kept
    for number in range(NUM_KEPT):
        snapshot = Snapshot(this.snapshot.location, replace(this.snapshot.manifest, snapshot_id=f"{number:016x}"))
        comparisons.compare(this, serve(snapshot))
    assert comparisons.compare(this, older) is not kept
