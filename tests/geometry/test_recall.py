"""Recall is measured honestly."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.geometry.neighbors import Neighbors, exact_neighbors
from kat_ray.geometry.recall import Recall, measure_recall


def spoiled(graph: Neighbors, columns: int, rows: slice = slice(None)) -> Neighbors:
    """The graph with the last columns of some rows replaced by rows from far away, distances left as they were."""
    indices = graph.indices.copy()
    indices[rows, -columns:] = np.arange(columns) + 200 - columns * (np.arange(250)[rows, None] >= 200)
    return Neighbors(indices, graph.distances)


def test_an_exact_graph_has_recall_one(geo):
    assert measure_recall(geo.vectors, exact_neighbors(geo.vectors, 10)) == Recall(1.0, 1.0)


def test_recall_is_the_share_found_and_claimed_distances_are_not_believed(geo):
    graph = exact_neighbors(geo.vectors, 10)
    assert measure_recall(geo.vectors, spoiled(graph, 3, slice(0, 200))).mean == pytest.approx(1 - 0.3 * 0.8)


def test_the_first_percentile_shows_the_few_bad_rows_that_the_mean_hides(geo):
    recall = measure_recall(geo.vectors, spoiled(exact_neighbors(geo.vectors, 10), 8, slice(0, 5)))
    assert recall.mean > 0.98
    assert recall.first_percentile <= 0.2


def test_other_neighbors_at_an_equal_distance_count_as_found():
    equal = np.repeat(np.eye(2, 8, dtype=np.float32), 30, axis=0)
    graph = exact_neighbors(equal, 5)
    others = Neighbors(np.where(graph.indices < 30, graph.indices + 20, graph.indices - 20) % 60, graph.distances)
    swapped = Neighbors(np.tile(np.arange(24, 29), (24, 1)), np.zeros((24, 5)))
    assert (
        measure_recall(
            equal[:30], Neighbors(np.vstack([swapped.indices, graph.indices[24:30]]), np.zeros((30, 5)))
        ).mean
        == 1.0
    )
    assert measure_recall(equal, others).mean < 1.0


def test_self_missing_and_repeated_entries_are_not_found(geo):
    graph = exact_neighbors(geo.vectors, 4)
    own = np.arange(250)[:, None]
    first = graph.indices[:, :1]
    claimed = np.hstack([own, np.full((250, 1), -1), first, first])
    assert measure_recall(geo.vectors, Neighbors(claimed, graph.distances)).mean == 0.25
    assert measure_recall(geo.vectors, Neighbors(np.hstack([own] * 4), graph.distances)).mean == 0.0
    assert measure_recall(geo.vectors[:1], exact_neighbors(geo.vectors[:1], 4)) == Recall(1.0, 1.0)
