from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet as pq

from kat_ray.snapshot import viewer_file
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.viewer_file import write_viewer_table
from kat_ray.storage import Location


@pytest.fixture
def snapshot(store) -> Snapshot:
    return Snapshot.open(store.location)


@pytest.fixture
def file(snapshot, tmp_path) -> Path:
    """The table of the twelve points."""
    return tmp_path / write_viewer_table(snapshot, Location(str(tmp_path)))


def test_pandas_opens_it_with_every_column_in_row_order(file, snapshot):
    table = pd.read_parquet(file)
    assert table["id"].tolist() == snapshot.ids.to_pylist()
    np.testing.assert_array_equal(table[["x", "y", "z"]].to_numpy(), snapshot.layout)
    for column, expected in {
        "density": snapshot.density,
        "density_percentile": snapshot.density_percentile,
        "weight": snapshot.weights,
        "cluster": snapshot.clusters,
    }.items():
        np.testing.assert_array_equal(table[column], expected)
    assert table["num_pairs"].sum() == 24
    assert table["messages"][8][1] == {"role": "assistant", "content": "Which part?"}


def test_duckdb_opens_it_and_follows_neighbors_by_row_number(file, snapshot):
    row, neighbor = duckdb.sql(f"""
        WITH points AS (SELECT *, file_row_number AS row FROM read_parquet('{file}', file_row_number = true))
        SELECT a.row, b.id FROM points a JOIN points b ON b.row = a.neighbors.ids[1] WHERE a.row = 6
    """).fetchall()[0]
    assert (row, neighbor) == (6, snapshot.ids[7].as_py())


def test_neighbors_are_the_struct_that_embedding_atlas_reads(file, snapshot):
    neighbors = pq.read_table(file)["neighbors"].to_pylist()
    assert [entry["ids"] for entry in neighbors] == snapshot.neighbor_indices.tolist()
    np.testing.assert_array_equal([entry["distances"] for entry in neighbors], snapshot.neighbor_distances)


def test_datasets_opens_it(file, snapshot, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    table = datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "cache"))
    assert table["id"] == snapshot.ids.to_pylist()
    assert list(table[6]["neighbors"]["ids"])[:2] == [7, 8]


def test_row_groups_are_cut_for_viewers_and_have_a_page_index(snapshot, tmp_path, monkeypatch):
    monkeypatch.setattr(viewer_file, "_GROUP_ROWS", 5)
    footer = pq.read_metadata(tmp_path / write_viewer_table(snapshot, Location(str(tmp_path))))
    assert [footer.row_group(group).num_rows for group in range(3)] == [5, 5, 2]
    assert footer.row_group(0).column(0).has_offset_index
    assert footer.row_group(0).column(0).has_column_index


def test_a_graph_without_neighbors_gives_empty_lists(snapshot, tmp_path):
    snapshot._arrays.update(
        neighbor_indices=np.empty((12, 0), np.int32), neighbor_distances=np.empty((12, 0), np.float32)
    )
    table = pq.read_table(tmp_path / write_viewer_table(snapshot, Location(str(tmp_path))))
    assert table["neighbors"].to_pylist() == [{"ids": [], "distances": []}] * 12
