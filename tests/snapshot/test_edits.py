"""An edited snapshot is its parent with other weights, for every reader, as long as the parent's files are there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kat_ray.errors import InputError, SnapshotDamagedError, SnapshotNotFoundError
from kat_ray.snapshot.card import explain, render_card
from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.export import FORMATS, export
from kat_ray.snapshot.manifest import COLUMN_FILES, Manifest
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.storage import Location


@pytest.fixture
def parent(store: Store) -> Snapshot:
    return Snapshot.open(store.location)


@pytest.fixture
def ids(parent: Snapshot) -> list[str]:
    return parent.ids.to_pylist()


def _child(store: Store, parent: Snapshot, ids: list[str], factor: float = 3.0) -> Snapshot:
    return Snapshot.open(store.location, edit_weights(store, parent.snapshot_id, ids, factor).snapshot_id, "checksums")


def test_weights_are_scaled_by_the_factor_and_sum_to_one_again(store, parent, ids):
    child = _child(store, parent, ids[:4], 3.0)
    expected = parent.weights * np.r_[np.full(4, 3.0), np.ones(8)]
    np.testing.assert_allclose(child.weights, expected / expected.sum(), rtol=1e-14)
    assert child.weights.sum() == pytest.approx(1, abs=1e-15)


def test_all_other_columns_are_the_files_of_the_parent(store, parent, ids):
    child = _child(store, parent, ids[:4])
    assert sorted(path.name for path in Path(child.location.path).iterdir()) == ["manifest.json", "weights.npy"]
    for name in COLUMN_FILES:
        first, second = parent.manifest.column(name), child.manifest.column(name)
        assert second.owner == (None if name == "weights" else parent.snapshot_id)
        assert (first.checksum == second.checksum) == (name != "weights")
    np.testing.assert_array_equal(child.embeddings, parent.embeddings)
    np.testing.assert_array_equal(child.array("layout", 2, 5), parent.layout[2:5])
    assert child.prompts().equals(parent.prompts())
    assert child.prompts(np.array([3]), ["text"]).equals(parent.prompts(np.array([3]), ["text"]))
    assert child.pairs_of(5).equals(parent.pairs_of(5))
    assert child.rejects().equals(parent.rejects())
    assert child.cluster_table == parent.cluster_table
    assert [start for start, _ in child.prompt_blocks(["id"])] == [0, 5, 10]
    assert (child.folder_of("prompts"), child.folder_of("weights")) == (parent.location, child.location)


def test_the_folder_of_a_child_opens_by_itself_and_in_an_object_store_too(make_columns, s3_uri, tmp_path):
    store = Store(Location(s3_uri(f"edits/{tmp_path.name}")))
    work = store.location / ".work"
    first = store.publish(work, make_columns(work.uri)).snapshot_id
    parent = Snapshot.open(store.location)
    child = _child(store, parent, parent.ids.to_pylist()[:2])
    assert store.current() == first
    again = Snapshot.open(store.folder(child.snapshot_id), verify="checksums")
    np.testing.assert_array_equal(again.layout, parent.layout)
    np.testing.assert_array_equal(again.weights, child.weights)


def test_the_same_edit_is_the_same_snapshot_and_any_other_one_another(store, parent, ids):
    first = edit_weights(store, parent.snapshot_id, ids[:3], 2)
    assert first.status == "published"
    for same in (ids[2::-1], [ids[0], *ids[:3]]):
        again = edit_weights(store, parent.snapshot_id, same, 2.0)
        assert (again.snapshot_id, again.status) == (first.snapshot_id, "recognized")
    others = [(ids[:3], 2.5), (ids[:2], 2.0), (ids[1:4], 2.0)]
    found = {edit_weights(store, parent.snapshot_id, *other).snapshot_id for other in others}
    assert len(found | {first.snapshot_id, parent.snapshot_id}) == 5


def test_an_edit_adds_a_snapshot_and_switches_nothing(store, parent, ids):
    child = _child(store, parent, ids[:1])
    assert store.current() == parent.snapshot_id
    assert {entry.snapshot_id for entry in store.list()} == {parent.snapshot_id, child.snapshot_id}
    assert store.holds(child.snapshot_id)
    store.set_current(child.snapshot_id)
    assert Snapshot.open(store.location).snapshot_id == child.snapshot_id


def test_edits_of_edits_share_the_columns_of_the_first_and_need_no_snapshot_between(store, parent, ids):
    middle = _child(store, parent, ids[:2], 4.0)
    last = _child(store, middle, ids[1:3], 0.5)
    expected = parent.weights * np.r_[4.0, 2.0, 0.5, np.ones(9)]
    np.testing.assert_allclose(last.weights, expected / expected.sum(), rtol=1e-13)
    assert {record.owner for record in last.manifest.columns} == {None, parent.snapshot_id}
    assert last.manifest.parameters["parent"] == middle.snapshot_id
    assert len(last.manifest.notes) == len(parent.manifest.notes) + 2
    store.folder(middle.snapshot_id).delete()
    Snapshot.open(store.location, last.snapshot_id, "checksums")


def test_undoing_an_edit_is_another_snapshot_with_the_first_weights(store, parent, ids):
    undone = _child(store, _child(store, parent, ids[:5], 8.0), ids[:5], 0.125)
    np.testing.assert_allclose(undone.weights, parent.weights, rtol=1e-14)
    assert undone.snapshot_id != parent.snapshot_id


def test_a_child_whose_parent_is_gone_is_refused_with_the_reason(store, parent, ids):
    child = _child(store, parent, ids[:2])
    store.folder(parent.snapshot_id).delete()
    reason = rf"prompts\.parquet is missing\. It belongs to snapshot {parent.snapshot_id}, from which"
    with pytest.raises(SnapshotDamagedError, match=reason):
        Snapshot.open(store.location, child.snapshot_id)
    with pytest.raises(SnapshotDamagedError, match=reason):
        edit_weights(store, child.snapshot_id, ids[:1], 2.0)
    with pytest.raises(SnapshotDamagedError, match=reason):
        store.set_current(child.snapshot_id)
    assert not store.holds(child.snapshot_id)
    with pytest.raises(SnapshotNotFoundError):
        edit_weights(store, parent.snapshot_id, ids[:1], 2.0)


def test_damage_in_the_parent_is_damage_of_the_child(store, parent, ids):
    child = _child(store, parent, ids[:2])
    layout = Path(store.folder(parent.snapshot_id).path) / "layout.npy"
    altered = bytearray(layout.read_bytes())
    altered[-1] ^= 1
    layout.write_bytes(altered)
    Snapshot.open(store.location, child.snapshot_id)
    with pytest.raises(SnapshotDamagedError, match=r"layout\.npy has the checksum"):
        Snapshot.open(store.location, child.snapshot_id, "checksums")
    layout.write_bytes(altered[:-4])
    with pytest.raises(SnapshotDamagedError, match=r"layout\.npy has .* belongs to snapshot"):
        Snapshot.open(store.location, child.snapshot_id)


def test_the_weights_of_the_parent_may_go_since_the_child_has_its_own(store, parent, ids):
    child = _child(store, parent, ids[:2])
    (store.folder(parent.snapshot_id) / "weights.npy").delete()
    assert Snapshot.open(store.location, child.snapshot_id).weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf"), 1e-320, 1e308])
def test_a_factor_that_makes_no_weights_is_refused_and_leaves_nothing(store, parent, ids, factor):
    before = store.location.children(recursive=True)
    with pytest.raises(InputError, match="factor of an edit"):
        edit_weights(store, parent.snapshot_id, ids[:2], factor)
    assert [name for name, _ in store.location.children(recursive=True)] == [name for name, _ in before]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ids: [], "names no prompts"),
        (lambda ids: [ids[0], "f" * 16, "x"], "2 of 3 ids are not in snapshot .* first 'ffffffffffffffff'"),
        (lambda ids: ids[0], "one string"),
    ],
)
def test_ids_that_cannot_be_edited_are_refused_and_leave_nothing(store, parent, ids, change, reason):
    with pytest.raises(InputError, match=reason):
        edit_weights(store, parent.snapshot_id, change(ids), 2.0)
    assert len(store.location.children()) == 2


def test_numbers_of_the_weights_are_measured_again_and_the_others_stay(store, parent, ids):
    child = _child(store, parent, ids[:6], 50.0)
    first, second = parent.manifest.diagnostics, child.manifest.diagnostics
    assert second["effective_sample_size"] == pytest.approx(1 / (12 * np.square(child.weights).sum()))
    assert second["max_over_median"] == pytest.approx(child.weights.max() / np.median(child.weights))
    assert second["mass_per_density_quartile"][3] > first["mass_per_density_quartile"][3]
    assert sum(second["mass_per_density_quartile"]) == pytest.approx(1)
    assert {name for name in first if first[name] != second[name]} == {
        "effective_sample_size",
        "gini",
        "max_over_median",
        "mass_per_density_quartile",
    }


def test_the_card_an_explanation_and_every_export_show_the_edited_weights(store, parent, ids, tmp_path):
    child = _child(store, parent, ids[:2], 2.0)
    card = render_card(child)
    assert f"Weights of 2 prompts of {parent.snapshot_id} were" in " ".join(card.split())
    assert "Weights of 1 prompt of" in " ".join(render_card(_child(store, parent, ids[:1])).split())
    explained = explain(child, ids[0])
    assert f"{child.weights[0]:.6g}" in explained
    assert "edited        multiplied by 2;" in explained
    assert "edited" not in explain(child, ids[2])
    files = export(child, Location(str(tmp_path / "out")), list(FORMATS))
    assert all((tmp_path / "out" / file).exists() for file in files)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "density_weights.npy"), child.weights, rtol=1e-6)


def test_the_weight_table_of_a_child_says_what_was_edited(store, parent, ids):
    weighting = WeightTable.from_snapshot(_child(store, parent, ids[:2], 2.0)).weighting
    assert weighting["parent"] == parent.snapshot_id
    assert (weighting["edits"]["factor"], weighting["edits"]["num_ids"]) == (2.0, 2)


def test_a_power_cut_before_the_manifest_leaves_no_snapshot_and_a_second_try_completes(store, parent, ids, monkeypatch):
    class PowerCut(BaseException):
        pass

    def cut(self: Store, manifest: Manifest) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Store, "complete", cut)
        with pytest.raises(PowerCut):
            edit_weights(store, parent.snapshot_id, ids[:2], 2.0)
    assert [entry.snapshot_id for entry in store.list()] == [parent.snapshot_id]
    assert edit_weights(store, parent.snapshot_id, ids[:2], 2.0).status == "published"


def test_cut_weights_of_a_child_are_written_again_by_the_same_edit(store, parent, ids):
    child = _child(store, parent, ids[:2])
    weights = Path(child.location.path) / "weights.npy"
    weights.write_bytes(weights.read_bytes()[:-8])
    assert _child(store, parent, ids[:2]).weights.sum() == pytest.approx(1)


def test_a_manifest_names_owners_only_where_there_are_some(store, parent, ids):
    assert b"owner" not in (parent.location / "manifest.json").read_bytes()
    child = _child(store, parent, ids[:2])
    records = json.loads((child.location / "manifest.json").read_bytes())["columns"]
    assert [record["name"] for record in records if "owner" not in record] == ["weights"]


def test_a_child_without_its_store_says_whose_columns_it_misses(store, parent, ids, tmp_path):
    child = _child(store, parent, ids[:2])
    alone = tmp_path / "elsewhere" / child.snapshot_id
    shutil.copytree(child.location.path, alone)
    with pytest.raises(SnapshotDamagedError, match=f"belongs to snapshot {parent.snapshot_id}"):
        Snapshot.open(str(alone))
