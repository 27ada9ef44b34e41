from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np

from kat_ray.snapshot.weight_table import WeightTable
from serve.services.columns import ColumnFiles


def test_both_files_hold_the_snapshots_weights_in_its_order(snapshot, tmp_path):
    files = ColumnFiles(snapshot, WeightTable.from_snapshot(snapshot), lambda: tmp_path)
    assert not list(tmp_path.iterdir())
    arrow, plain = files.arrow(), files.json()
    table = WeightTable.open(arrow.path, arrow.checksum)
    np.testing.assert_array_equal(table.weights, snapshot.weights)
    content = json.loads(plain.path.read_bytes())
    assert content["ids"] == snapshot.ids.to_pylist() == table.ids().to_pylist()
    assert content["weights"] == snapshot.weights.tolist()
    assert content["snapshot_id"] == table.snapshot_id == snapshot.snapshot_id


def test_a_file_is_written_once_and_the_same_everywhere(snapshot, tmp_path):
    table = WeightTable.from_snapshot(snapshot)
    here, there = (ColumnFiles(snapshot, table, partial(Path, tmp_path, name)) for name in ("a", "b"))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert here.arrow() is here.arrow()
    assert here.arrow().checksum == there.arrow().checksum
    assert here.json().checksum == there.json().checksum != here.arrow().checksum
