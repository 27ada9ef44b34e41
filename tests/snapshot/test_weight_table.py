"""A table is what the snapshot says, mapped; lookups agree with a dictionary; draws with those of geometry."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kat_ray.errors import InputError, SamplingError, SnapshotDamagedError
from kat_ray.geometry.sampling import draw
from kat_ray.snapshot.keys import parse_keys
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable, table_checksum

Written = tuple[Path, str]


@pytest.fixture
def snapshot(store) -> Snapshot:
    return Snapshot.open(store.location)


@pytest.fixture
def written(snapshot: Snapshot, tmp_path: Path) -> Written:
    """The file of the twelve points and its checksum."""
    path = tmp_path / "weights.arrow"
    return path, WeightTable.write(snapshot, path)


def _rewrite(path: Path, chunk: int = 100, **changes: Any) -> None:
    """The same file with some columns or metadata replaced; a column given as None is left out."""
    batch = pa.ipc.open_file(path.read_bytes()).get_batch(0)
    metadata = {name.decode(): text.decode() for name, text in batch.schema.metadata.items()}
    metadata |= {name: value for name, value in changes.items() if name in metadata}
    columns = {name: changes.get(name, batch[name]) for name in batch.schema.names}
    table = pa.table({name: column for name, column in columns.items() if column is not None}, metadata=metadata)
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=chunk)


def test_an_opened_table_equals_the_columns_of_the_snapshot(snapshot, written):
    for table in (WeightTable.open(*written), WeightTable.from_snapshot(snapshot)):
        assert table.snapshot_id == snapshot.snapshot_id
        assert table.num_prompts == 12
        np.testing.assert_array_equal(table.weights, snapshot.weights)
        np.testing.assert_array_equal(table.density_percentile, snapshot.density_percentile)
        assert table.ids().equals(snapshot.ids)
        assert table.ids(np.array([3, 3, 0])).to_pylist() == [snapshot.ids[row].as_py() for row in (3, 3, 0)]
        assert table.weighting == {"estimator": "distance", "k": 2, "power": 1.0, "cap": None}


def test_an_opened_table_is_the_mapped_file_and_not_a_copy(written):
    table = WeightTable.open(*written)
    allocated = pa.total_allocated_bytes()
    again = WeightTable.open(*written)
    assert pa.total_allocated_bytes() == allocated
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(written[0]) in line]
    ranges = [[int(end, 16) for end in line.split()[0].split("-")] for line in mapped]
    for column in (table.keys, table.weights, table.density_percentile, again.weights):
        assert any(start <= column.ctypes.data < stop for start, stop in ranges)
        assert not column.flags.writeable


def test_the_same_snapshot_gives_the_same_bytes(snapshot, written, tmp_path):
    assert WeightTable.write(snapshot, tmp_path / "again.arrow") == written[1] == table_checksum(written[0])
    assert (tmp_path / "again.arrow").read_bytes() == written[0].read_bytes()
    assert WeightTable.from_snapshot(snapshot).to_bytes() == written[0].read_bytes()


def test_any_altered_byte_is_refused_by_the_checksum(written):
    path, checksum = written
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotDamagedError, match="has the checksum"):
            WeightTable.open(path, checksum)


@pytest.mark.parametrize("name", ["weights", "density_percentile"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_a_snapshot_without_probabilities_and_percentiles_gives_no_table(snapshot, name, value):
    snapshot.array(name)
    snapshot._arrays[name] = np.r_[snapshot.array(name)[:-1], value]
    with pytest.raises(SnapshotDamagedError, match=r"cannot be sampled: its .* Build it again"):
        WeightTable.from_snapshot(snapshot)


def test_a_cut_or_foreign_file_is_refused_without_a_checksum_too(written, tmp_path):
    path, _ = written
    whole = path.read_bytes()
    for stop in range(0, len(whole), 53):
        path.write_bytes(whole[:stop])
        with pytest.raises(SnapshotDamagedError, match="Delete it and fetch it again"):
            WeightTable.open(path)
    with pytest.raises(SnapshotDamagedError, match="cannot be read"):
        WeightTable.open(tmp_path / "nothing.arrow", "0" * 64)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight": None}, "it has columns"),
        ({"weight": np.full(12, 1 / 12, np.float32)}, "it has columns"),
        ({"chunk": 5}, "in one batch"),
        ({"weight": np.full(12, 1.0)}, "not probabilities"),
        ({"weight": np.r_[np.full(11, 0.1), -0.1]}, "not probabilities"),
        ({"weight": np.r_[np.full(11, 1 / 11), np.nan]}, "not probabilities"),
        ({"weight": pa.array([None, *[1 / 11] * 11])}, "nulls"),
        ({"num_prompts": "13"}, "12 rows, its header says 13"),
        ({"num_prompts": "many"}, "invalid literal"),
    ],
)
def test_a_table_of_another_form_is_refused_with_the_reason(written, changes, reason):
    path, _ = written
    _rewrite(path, **changes)
    with pytest.raises(SnapshotDamagedError, match=reason):
        WeightTable.open(path)


def test_two_rows_of_one_key_are_refused_when_they_are_looked_up(written):
    path, _ = written
    _rewrite(path, key=np.r_[np.arange(11), 3].astype(np.uint64))
    with pytest.raises(SnapshotDamagedError, match="row 11"):
        WeightTable.open(path).lookup([])


def test_lookups_give_each_id_its_own_numbers_and_say_which_are_missing(snapshot, written):
    table = WeightTable.open(*written)
    ids = snapshot.ids.to_pylist()
    asked = [ids[9], "0" * 16, ids[0], "no id", ids[9]]
    keys = parse_keys(snapshot.ids)[0]
    for form in (asked, pa.array(asked), pa.array([keys[9], 0, keys[0], None, keys[9]], pa.uint64())):
        found = table.lookup(form)
        assert found.rows.tolist() == [9, -1, 0, -1, 9]
        assert found.present.tolist() == [True, False, True, False, True]
        np.testing.assert_array_equal(
            found.weights, [snapshot.weights[row] if row >= 0 else np.nan for row in found.rows]
        )
        np.testing.assert_array_equal(found.density_percentile[[0, 2]], snapshot.density_percentile[[9, 0]])
    assert table.lookup(keys).rows.tolist() == list(range(12))
    assert table.lookup([]).weights.shape == (0,)
    with pytest.raises(InputError, match="one string"):
        table.lookup(ids[0])


def test_loss_weights_have_mean_one_over_all_prompts_and_are_neutral_for_strangers(written):
    table = WeightTable.open(*written)
    assert table.loss_weights(table.lookup(table.keys)).mean() == pytest.approx(1)
    np.testing.assert_allclose(
        table.loss_weights(table.lookup(["f" * 16, table.ids()[9].as_py()])), [1, 12 * table.weights[9]]
    )


@pytest.mark.parametrize("method", ["systematic", "with_replacement", "without_replacement"])
def test_draws_are_those_of_geometry_with_ids_and_probabilities(snapshot, written, method):
    table = WeightTable.open(*written)
    drawn = table.draw(10, method, seed=3, epoch=2)
    np.testing.assert_array_equal(drawn.rows, draw(snapshot.weights, 10, method, 3, 2))
    np.testing.assert_array_equal(drawn.rows, WeightTable.from_snapshot(snapshot).draw(10, method, 3, 2).rows)
    np.testing.assert_array_equal(drawn.probabilities, snapshot.weights[drawn.rows])
    assert drawn.ids.to_pylist() == snapshot.ids.take(pa.array(drawn.rows)).to_pylist()
    assert drawn.snapshot_id == snapshot.snapshot_id


def test_more_distinct_prompts_than_there_are_cannot_be_drawn(written):
    with pytest.raises(SamplingError, match="12 rows"):
        WeightTable.open(*written).draw(13, "without_replacement")


def test_a_table_goes_to_another_process(written):
    table = WeightTable.open(*written)
    copy = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(copy.draw(20, seed=5).rows, table.draw(20, seed=5).rows)
