"""Recall is that of the true neighbors: ties count, repetitions and oneself do not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.truth import direct_distances, recall_by_graph, recall_by_truth
from kat_ray.geometry.neighbors import exact_neighbors

K = 5


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Unit rows; the first eight are equal."""
    rows = np.random.default_rng(3).standard_normal((400, 16)).astype(np.float32)
    rows[1:8] = rows[0]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_exact_graph_has_all_of_its_neighbors(vectors):
    graph = exact_neighbors(vectors, K)
    assert (recall_by_truth(vectors, graph.indices, 400) == 1.0).all()
    assert (recall_by_graph(graph.indices, graph.distances, graph.distances) == 1.0).all()


def test_other_rows_at_the_same_distance_count_as_found(vectors):
    graph = exact_neighbors(vectors, K)
    indices = graph.indices.copy()
    indices[0] = [3, 4, 5, 6, 7]
    assert set(graph.indices[0]) != set(indices[0])
    assert (recall_by_truth(vectors, indices, 400) == 1.0).all()


@pytest.mark.parametrize("wrong", ["far", "self", "repeated", "none"])
def test_a_wrong_neighbor_is_missing(vectors, wrong):
    graph = exact_neighbors(vectors, K)
    indices, row = graph.indices.copy(), 100
    farthest = int(np.argmin(vectors @ vectors[row]))
    indices[row, 2] = {"far": farthest, "self": row, "repeated": indices[row, 1], "none": -1}[wrong]
    by_truth = recall_by_truth(vectors, indices, 400)
    distances = direct_distances(vectors, np.arange(400), indices)
    by_graph = recall_by_graph(indices, distances, graph.distances)
    for shares in (by_truth, by_graph):
        assert shares[row] == pytest.approx(1 - 1 / K)
        assert shares.sum() == pytest.approx(400 - 1 / K)


def test_the_exact_graph_may_have_more_columns(vectors):
    near, wide = exact_neighbors(vectors, K), exact_neighbors(vectors, 2 * K)
    assert (recall_by_graph(near.indices, near.distances, wide.distances) == 1.0).all()
    assert recall_by_graph(wide.indices[:, K:], wide.distances[:, K:], wide.distances).mean() < 0.1
