"""A grown graph is a fresh one up to ties, or its row counts as differing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.parts.growth import differing_rows
from kat_ray.geometry.neighbors import exact_neighbors

K = 4


@pytest.fixture
def grown() -> SimpleNamespace:
    """Columns of a snapshot whose first six rows are equal."""
    vectors = np.random.default_rng(3).standard_normal((200, 8)).astype(np.float32)
    vectors[1:6] = vectors[0]
    graph = exact_neighbors(vectors, K)
    return SimpleNamespace(
        embeddings=vectors,
        neighbor_indices=graph.indices.astype(np.int32),
        neighbor_distances=graph.distances.astype(np.float32),
    )


def test_equal_graphs_do_not_differ_and_ties_do_not_count(grown):
    indices, distances = grown.neighbor_indices.copy(), grown.neighbor_distances.copy()
    assert differing_rows(grown, indices, distances) == 0
    indices[0] = [2, 3, 4, 5]
    assert differing_rows(grown, indices, distances) == 0


def test_other_distances_and_neighbors_that_are_not_there_count(grown):
    indices, distances = grown.neighbor_indices.copy(), grown.neighbor_distances.copy()
    grown.neighbor_distances = distances.copy()
    grown.neighbor_distances[50, -1] += 0.1
    grown.neighbor_indices = indices.copy()
    grown.neighbor_indices[60, 0] = 1
    assert differing_rows(grown, indices, distances) == 2
    assert differing_rows(grown, indices[:, :2], distances[:, :2]) == 200
