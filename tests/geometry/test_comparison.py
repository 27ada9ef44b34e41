"""The ratio is 0 where two sets lie alike, and has the sign and the size of what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.geometry.comparison import density_ratio

CROWDS, SIZE, K = 4, 50, 10


@pytest.fixture
def graph() -> np.ndarray:
    """Four crowds of fifty rows; the neighbors of a row are the next ten of its crowd, in a ring."""
    rows = np.arange(CROWDS * SIZE)
    steps = np.arange(1, K + 1)
    return (rows[:, None] // SIZE * SIZE + (rows[:, None] + steps) % SIZE).astype(np.int32)


def test_the_same_set_is_as_dense_everywhere(graph):
    assert (density_ratio(np.arange(len(graph)), graph) == 0.0).all()


def test_a_set_twice_as_large_that_lies_alike_is_as_dense_everywhere(graph):
    assert (density_ratio(np.repeat(np.arange(len(graph)), 2), graph) == 0.0).all()


def test_a_set_in_one_crowd_is_denser_there_and_thinner_elsewhere(graph):
    ratio = density_ratio(np.tile(np.arange(SIZE), 40), graph)
    expected = 40 * SIZE * (1 + K) / (CROWDS * SIZE)
    np.testing.assert_allclose(ratio[:SIZE], np.log2((40 * (1 + K) + 1) / (expected + 1)))
    assert abs(ratio[0] - np.log2(CROWDS)) < 0.02
    np.testing.assert_allclose(ratio[SIZE:], np.log2(1 / (expected + 1)))


def test_few_prompts_prove_little_and_none_prove_nothing(graph):
    one = density_ratio(np.array([0]), graph)
    assert 0.9 < one.max() < 1.0
    assert -0.1 < one.min() < 0.0
    assert (density_ratio(np.array([], np.int64), graph) == 0.0).all()


def test_a_single_prompt_without_neighbors_can_be_compared():
    assert density_ratio(np.array([0, 0]), np.empty((1, 0), np.int32)).tolist() == [0.0]


def test_a_graph_that_is_none_is_refused():
    with pytest.raises(InputError, match="neighbor_indices"):
        density_ratio(np.array([0]), np.array([1, 0]))
