"""Density is up where it is crowded, finite everywhere, and its percentile is what people read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kat_ray.errors import InputError
from kat_ray.geometry.density import density, density_percentile, mean_distances, mean_similarities
from kat_ray.geometry.neighbors import exact_neighbors


def test_crowded_rows_are_denser_than_isolated_ones(geo):
    values = density(mean_distances(exact_neighbors(geo.vectors, 20).distances, 10))
    assert values[~geo.is_isolated].min() > values[geo.is_isolated].max()


def test_mean_is_over_the_first_k_others_as_brute_force_has_it(geo, all_distances):
    stored = exact_neighbors(geo.vectors, 20).distances
    expected = np.sort(all_distances(geo.vectors), axis=1)[:, :10].mean(axis=1)
    np.testing.assert_allclose(mean_distances(stored, 10), expected, rtol=1e-12)
    assert (mean_distances(stored, 20) > mean_distances(stored, 10)).all()


def test_mean_similarity_is_the_mean_cosine(geo):
    graph = exact_neighbors(geo.vectors, 10)
    cosines = np.einsum("nd,nkd->nk", geo.vectors.astype(float), geo.vectors[graph.indices].astype(float))
    np.testing.assert_allclose(mean_similarities(graph.distances, 10), cosines.mean(axis=1), atol=1e-6)


def test_a_duplicate_raises_the_density_of_its_original_and_of_nobody_less(geo):
    before = density(mean_distances(exact_neighbors(geo.vectors, 10).distances, 10))
    doubled = np.vstack([geo.vectors, geo.vectors[220:221]])
    after = density(mean_distances(exact_neighbors(doubled, 10).distances, 10))
    assert after[220] > 1.05 * before[220]
    assert (after[:250] >= before - 1e-12).all()


def test_k_is_clamped_and_equal_rows_stay_finite():
    distances = exact_neighbors(np.repeat(np.eye(1, 8, dtype=np.float32), 15, axis=0), 10).distances
    assert (density(mean_distances(distances, 99)) == 1e6).all()
    assert density(mean_distances(np.zeros((1, 0)), 10)).tolist() == [1e6]


def test_k_below_one_and_missing_neighbors_are_refused():
    with pytest.raises(InputError, match="k is 0"):
        mean_distances(np.ones((3, 2)), 0)
    with pytest.raises(InputError, match="first in row 1"):
        mean_distances(np.array([[1.0], [np.inf]]), 1)


def test_percentile_of_distinct_values_fills_the_quarters_evenly():
    percentiles = density_percentile(np.random.default_rng(0).permutation(np.arange(1000.0)))
    assert np.bincount((percentiles * 4).astype(int)).tolist() == [250, 250, 250, 250]
    assert density_percentile(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [0.5, 0.125, 0.5, 0.875]
    assert density_percentile(np.array([3.0])).tolist() == [0.5]


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(0, 10, width=16)))
def test_percentile_keeps_order_and_ties_and_has_mean_one_half(values):
    percentiles = density_percentile(values)
    assert ((percentiles > 0) & (percentiles < 1)).all()
    assert abs(percentiles.mean() - 0.5) < 1e-12
    assert np.array_equal(np.sign(np.subtract.outer(values, values)), np.sign(np.subtract.outer(*[percentiles] * 2)))
