from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kat_ray.errors import InputError, SnapshotDamagedError, SnapshotError, SnapshotMismatchError, SnapshotNotFoundError
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.columns import PROMPTS_SCHEMA, write_parquet
from kat_ray.snapshot.manifest import Manifest
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

Rewrite = Callable[[str, Callable[[Path], None]], Store]


@pytest.fixture
def folder(store: Store) -> Path:
    """The folder of the current snapshot."""
    return Path(store.folder(store.current()).path)


@pytest.fixture
def rewrite(make_columns: Callable[..., Manifest], tmp_path: Path) -> Rewrite:
    """Publish a snapshot in which one column was written differently, with a manifest that agrees with the file."""

    def publish(name: str, change: Callable[[Path], None]) -> Store:
        work, store = tmp_path / "changed", Store(Location(str(tmp_path / "changed-store")))
        manifest = make_columns(work)
        record = manifest.column(name)
        change(work / record.file)
        changed = record_column(name, Location(str(work / record.file)))
        columns = tuple(changed if other is record else other for other in manifest.columns)
        store.publish(Location(str(work)), replace(manifest, columns=columns))
        return store

    return publish


def test_a_store_a_folder_and_an_id_open_the_same_snapshot(store, folder):
    opened = [Snapshot.open(store.location.uri), Snapshot.open(str(folder)), Snapshot.open(store.location, folder.name)]
    assert {snapshot.snapshot_id for snapshot in opened} == {folder.name}
    assert opened[0].num_prompts == 12


def test_a_snapshot_is_shown_in_one_line(store, folder):
    shown = f"Snapshot('{folder.name}', 12 prompts x 2, '{folder.parent}')"
    assert repr(Snapshot.open(store.location)) == repr(Snapshot.open(str(folder))) == shown


def test_an_unknown_place_or_id_is_not_found(store, folder, tmp_path):
    with pytest.raises(SnapshotNotFoundError):
        Snapshot.open(str(tmp_path / "nowhere"))
    with pytest.raises(SnapshotNotFoundError):
        Snapshot.open(store.location, "ab" * 8)
    with pytest.raises(SnapshotMismatchError, match="is snapshot"):
        Snapshot.open(str(folder), "ab" * 8)
    (folder / "manifest.json").unlink()
    with pytest.raises(SnapshotNotFoundError, match=r"no manifest\.json"):
        Snapshot.open(store.location)


def test_columns_are_the_circle_that_was_drawn(store):
    snapshot = Snapshot.open(store.location)
    np.testing.assert_allclose(np.linalg.norm(snapshot.embeddings, axis=1), 1, atol=1e-6)
    assert snapshot.neighbor_indices[6].tolist()[:2] == [7, 8]
    assert snapshot.neighbor_indices[0].tolist() == [1, 2, 3, 4]
    assert snapshot.neighbor_distances[6, 0] == 0
    assert np.argmin(snapshot.density) == 9
    assert np.argmax(snapshot.weights) == 9
    assert snapshot.duplicates[7] == 6
    assert snapshot.clusters.tolist() == [0] * 6 + [1] * 3 + [2] * 3
    assert snapshot.layout.shape == (12, 3)
    assert snapshot.num_tokens[8] == 2
    assert snapshot.density_percentile.mean() == pytest.approx(0.5)
    assert not snapshot.weights.flags.writeable


def test_rows_of_an_array_can_be_read_without_the_rest(store):
    snapshot = Snapshot.open(store.location)
    np.testing.assert_array_equal(snapshot.array("weights", 3, 5), snapshot.weights[3:5])
    np.testing.assert_array_equal(snapshot.array("weights", 3, 5), snapshot.weights[3:5])


def test_ids_lead_to_their_rows_and_other_texts_to_none(store):
    snapshot = Snapshot.open(store.location)
    ids = snapshot.ids.to_pylist()
    assert snapshot.row_of(ids[::-1]).tolist() == list(range(11, -1, -1))
    assert snapshot.row_of(["0" * 16, ids[4], "not an id"]).tolist() == [-1, 4, -1]
    assert snapshot.row_of([]).tolist() == []


def test_prompts_come_in_the_order_asked_for_with_the_columns_asked_for(store):
    snapshot = Snapshot.open(store.location)
    some = snapshot.prompts(np.array([11, 0, 11]), ["id", "source"])
    ids = snapshot.ids.to_pylist()
    assert some.to_pylist() == [
        {"id": ids[11], "source": "own-data"},
        {"id": ids[0], "source": "hh-rlhf"},
        {"id": ids[11], "source": "own-data"},
    ]
    assert snapshot.prompts().schema.equals(PROMPTS_SCHEMA)
    blocks = list(snapshot.prompt_blocks(["id"]))
    assert [start for start, _ in blocks] == [0, 5, 10]
    assert pa.concat_tables([table for _, table in blocks])["id"].to_pylist() == ids


def test_pairs_of_a_prompt_are_found_wherever_they_stand(store):
    snapshot = Snapshot.open(store.location)
    for row, expected in ((0, 1), (1, 2), (11, 3)):
        pairs = snapshot.pairs_of(row)
        assert pairs["prompt_row"].to_pylist() == [row] * expected
        assert pairs["rejected"].to_pylist() == [f"bad {row}"] + [None] * (expected - 1)
    assert sum(snapshot.pairs_of(row).num_rows for row in range(12)) == snapshot.pairs().num_rows
    for row in (-1, 12):
        with pytest.raises(InputError, match="no row"):
            snapshot.pairs_of(row)


def test_rejects_and_clusters_are_kept(store):
    snapshot = Snapshot.open(store.location)
    assert snapshot.rejects()["line"].to_pylist() == [3, 9]
    assert snapshot.cluster_table[1] == {"label": 1, "size": 3, "terms": ["entropy"]}


def test_every_missing_or_cut_file_is_refused_by_name(store, folder, tmp_path):
    for file in sorted(path.name for path in folder.iterdir() if path.name != "manifest.json"):
        copy = tmp_path / "copies" / file / folder.name
        shutil.copytree(folder, copy)
        (copy / file).write_bytes((folder / file).read_bytes()[:-1])
        with pytest.raises(SnapshotDamagedError, match=f"{file} has .* bytes, the manifest says"):
            Snapshot.open(str(copy))
        (copy / file).unlink()
        with pytest.raises(SnapshotDamagedError, match=f"{file} is missing"):
            Snapshot.open(str(copy))


def test_a_changed_byte_is_found_when_checksums_are_asked_for(store, folder):
    weights = bytearray((folder / "weights.npy").read_bytes())
    weights[-1] ^= 1
    (folder / "weights.npy").write_bytes(weights)
    Snapshot.open(store.location)
    with pytest.raises(SnapshotDamagedError, match=r"weights\.npy has the checksum"):
        Snapshot.open(store.location, verify="checksums")


def test_a_pickled_column_is_refused_before_its_payload_runs(store, folder, tmp_path):
    class Gadget:
        def __reduce__(self):
            return Path.touch, (tmp_path / "victim",)

    np.save(folder / "weights.npy", np.array([Gadget()] * 12, dtype=object), allow_pickle=True)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for record in manifest["columns"]:
        if record["name"] == "weights":
            record["bytes"] = (folder / "weights.npy").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SnapshotDamagedError, match="never loaded"):
        Snapshot.open(store.location, verify="checksums")
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("name", ["embeddings", "neighbor_indices", "density", "weights", "layout"])
def test_columns_with_other_numbers_of_rows_are_refused(rewrite, name):
    store = rewrite(name, lambda file: np.save(file, np.load(file)[:11]))
    with pytest.raises(SnapshotMismatchError, match=f"{name}.npy has 11 rows, the snapshot has 12 prompts"):
        Snapshot.open(store.location)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("weights", lambda array: array.astype(np.float32), "expected <f8 with 1 axes"),
        ("clusters", lambda array: array.astype(np.float64), "expected <i4 or <i8"),
        ("layout", lambda array: array[:, 0].copy(), "expected <f4 with 2 axes"),
        ("neighbor_distances", lambda array: array[:, :3].copy(), "different shapes"),
    ],
)
def test_columns_of_another_form_are_refused(rewrite, name, change, reason):
    store = rewrite(name, lambda file: np.save(file, change(np.load(file))))
    with pytest.raises(SnapshotError, match=reason):
        Snapshot.open(store.location)


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (lambda ids: [*ids[:-1], ids[3]], "of row 11 belongs to an earlier row too"),
        (lambda ids: [*ids[:-1], "not an id"], "has the id 'not an id'"),
    ],
)
def test_ids_that_are_not_unique_or_no_ids_are_refused(rewrite, ids, reason):
    def change(file: Path) -> None:
        table = pa.parquet.read_table(file)
        column = pa.array(ids(table["id"].to_pylist()), pa.string())
        write_parquet(Location(str(file)), PROMPTS_SCHEMA, [table.set_column(0, PROMPTS_SCHEMA.field(0), column)])

    with pytest.raises(SnapshotDamagedError, match=reason):
        Snapshot.open(rewrite("prompts", change).location)


def test_tables_with_other_columns_or_rows_are_refused(rewrite):
    store = rewrite("rejects", lambda file: pa.parquet.write_table(pa.table({"line": [1, 2]}), file))
    with pytest.raises(SnapshotDamagedError, match="has columns"):
        Snapshot.open(store.location)


def test_tables_with_other_counts_than_the_manifest_are_refused(rewrite):
    def change(file: Path) -> None:
        pa.parquet.write_table(pa.parquet.read_table(file)[:20], file)

    with pytest.raises(SnapshotMismatchError, match=r"pairs\.parquet has 20 rows, the manifest counts 24"):
        Snapshot.open(rewrite("pairs", change).location)
