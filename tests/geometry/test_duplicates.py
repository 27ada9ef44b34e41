"""Near duplicates are groups, named by their smallest row."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.geometry.duplicates import duplicate_groups
from kat_ray.geometry.neighbors import exact_neighbors


def groups_of(vectors, threshold=0.1, k=5):
    graph = exact_neighbors(np.asarray(vectors, np.float32), k)
    return duplicate_groups(graph.indices, graph.distances, threshold).tolist()


def test_rows_closer_than_the_threshold_share_the_smallest_row_as_label():
    points = [[0.0, 1], [5, 0], [0.05, 1], [9, 9], [5, 0.02], [0, 1.04]]
    assert groups_of(points) == [0, 1, 0, 3, 1, 0]


def test_a_chain_of_close_rows_is_one_group_and_a_gap_ends_it():
    chain = [[0.09 * step, 0] for step in range(10)] + [[2.0, 0]]
    assert groups_of(chain, k=2) == [0] * 10 + [10]


def test_a_group_larger_than_the_stored_lists_stays_one_group():
    assert groups_of(np.ones((60, 4)), k=3) == [0] * 60


def test_the_threshold_itself_is_included_and_zero_means_equal_rows_only():
    assert groups_of([[0, 0], [0.5, 0]], threshold=0.5) == [0, 0]
    assert groups_of([[0, 0], [0, 0], [1e-4, 0]], threshold=0.0) == [0, 0, 2]


def test_no_neighbors_and_no_rows_give_no_groups():
    assert groups_of(np.ones((1, 4))) == [0]
    assert duplicate_groups(np.zeros((0, 0), int), np.zeros((0, 0))).tolist() == []


def test_a_negative_threshold_is_refused():
    with pytest.raises(InputError, match=r"-0\.1"):
        groups_of([[0, 0], [1, 1]], threshold=-0.1)
