"""The approximate graph is good where it is used, and the same whatever works on it."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.geometry import approximate, codes
from kat_ray.geometry.approximate import approximate_neighbors
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.geometry.recall import measure_recall


@pytest.fixture(scope="module")
def crowds(unit):
    """Unit rows float32 [6000, 64] around 300 centres, of which 30 are equal."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(300, 64))[random.integers(0, 300, 6000)] + random.normal(size=(6000, 64))
    vectors[2000:2030] = vectors[2000]
    return unit(vectors)


@pytest.fixture(scope="module")
def graph(crowds):
    return approximate_neighbors(crowds, 20, seed=1)


def test_small_corpora_are_searched_exactly(geo):
    exact, found = exact_neighbors(geo.vectors, 10), approximate_neighbors(geo.vectors, 10)
    assert np.array_equal(exact.indices, found.indices)


def test_recall_is_99_percent_and_distances_are_exact(crowds, graph):
    assert measure_recall(crowds, graph).mean >= 0.99
    direct = np.linalg.norm(crowds[graph.indices[:500]].astype(float) - crowds[:500, None], axis=2)
    np.testing.assert_allclose(graph.distances[:500], direct, rtol=1e-12, atol=1e-15)
    assert (np.diff(graph.distances, axis=1) >= 0).all()


def test_no_row_is_its_own_neighbor_or_twice_the_same(graph):
    assert (graph.indices != np.arange(6000)[:, None]).all()
    assert (np.diff(np.sort(graph.indices, axis=1), axis=1) > 0).all()


def test_threads_do_not_change_the_graph_and_the_seed_does(crowds, graph):
    numba.set_num_threads(1)
    try:
        alone = approximate_neighbors(crowds, 20, seed=1)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert np.array_equal(graph.indices, alone.indices)
    assert not np.array_equal(graph.indices, approximate_neighbors(crowds, 20, seed=2).indices)


def test_products_in_float32_give_the_same_graph(monkeypatch, crowds, graph):
    monkeypatch.setattr(codes, "_has_exact_integers", lambda width: False)
    assert np.array_equal(graph.indices, approximate_neighbors(crowds, 20, seed=1).indices)


def test_rounds_of_refinement_find_what_the_cells_missed(monkeypatch, crowds):
    monkeypatch.setattr(approximate, "_CENTRES_OF_ROW", 3)
    refined = measure_recall(crowds, approximate_neighbors(crowds, 20)).mean
    monkeypatch.setattr(approximate, "_MOST_ROUNDS", 0)
    assert measure_recall(crowds, approximate_neighbors(crowds, 20)).mean < refined - 0.05


@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_rows_need_no_unit_length(crowds, scale):
    stretched = (crowds * scale * np.linspace(1, 2, 6000)[:, None]).astype(np.float32)
    assert measure_recall(stretched, approximate_neighbors(stretched, 20)).mean >= 0.99


@pytest.mark.parametrize("different", [1, 3])
def test_thousands_of_equal_rows_are_neighbors_of_each_other(different):
    equal = np.eye(different, 16, dtype=np.float32)[np.arange(9000) % different]
    found = approximate_neighbors(equal, 5)
    assert (found.distances == 0).all()
    assert (found.indices % different == np.arange(9000)[:, None] % different).all()


def test_what_all_rows_have_in_common_costs_no_recall(crowds):
    shifted = crowds + np.eye(1, 64, dtype=np.float32) * 100
    assert measure_recall(shifted, approximate_neighbors(shifted, 20)).mean >= 0.99


def test_a_row_that_is_no_vector_is_refused(crowds):
    spoiled = crowds.copy()
    spoiled[7, 3] = np.nan
    with pytest.raises(InputError, match="first in row 7"):
        approximate_neighbors(spoiled, 5)


@pytest.mark.parametrize("num_rows", [4095, 4096])
def test_more_neighbors_than_there_are_rows_are_all_of_them(num_rows):
    line = np.arange(num_rows, dtype=np.float32)[:, None]
    assert approximate_neighbors(line, num_rows + 3).indices.shape == (num_rows, num_rows - 1)


def test_no_neighbors_can_be_asked_for(crowds):
    assert approximate_neighbors(crowds, 0).indices.shape == (6000, 0)


@pytest.mark.long
def test_the_approximate_graph_reaches_99_percent_of_100_000_rows(unit):
    random = np.random.default_rng(0)
    vectors = unit(random.normal(size=(900, 64))[random.integers(0, 900, 100_000)] + random.normal(size=(100_000, 64)))
    assert measure_recall(vectors, approximate_neighbors(vectors, 20)).mean >= 0.99
