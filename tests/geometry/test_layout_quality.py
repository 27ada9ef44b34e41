"""Each number is high for a layout made good by hand and low for one made bad."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as reference

from kat_ray.geometry.layout_quality import layout_quality, outlier_share, source_mixing, spread, trustworthiness


@pytest.fixture(scope="module")
def cube():
    """600 rows evenly in the cube; their vectors are the same coordinates, turned into 12 dimensions."""
    random = np.random.default_rng(0)
    points = random.uniform(-1, 1, size=(600, 3)).astype(np.float32)
    return (points @ np.linalg.qr(random.normal(size=(12, 3)))[0].T).astype(np.float32), points


def test_trustworthiness_of_all_rows_is_the_published_one(cube):
    vectors, points = cube
    flat = points * np.array([1, 1, 0], np.float32)
    expected = reference(vectors, flat, n_neighbors=15)
    assert 0.6 < expected < 0.99
    assert trustworthiness(vectors, flat, np.arange(600)) == pytest.approx(expected, abs=1e-4)
    assert trustworthiness(vectors, flat, np.arange(0, 600, 3)) == pytest.approx(expected, abs=0.02)


def test_a_faithful_layout_is_trusted_and_a_shuffled_one_is_not(cube):
    vectors, points = cube
    shuffled = np.random.default_rng(1).permutation(points)
    assert trustworthiness(vectors, points, np.arange(600)) > 0.999
    assert trustworthiness(vectors, shuffled, np.arange(600)) < 0.6


def test_outliers_are_counted_beyond_ten_interquartile_ranges(cube):
    flung = cube[1].copy()
    flung[:6, 1] = 50.0
    assert outlier_share(cube[1]) == 0.0
    assert outlier_share(flung) == 0.01


def test_spread_is_full_for_an_even_cloud_and_nothing_for_a_heap(cube):
    grid = np.stack(np.meshgrid(*[np.linspace(-0.95, 0.95, 10)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    assert spread(grid) == pytest.approx(1.0)
    assert spread(cube[1]) > 0.9
    assert spread(np.full((50, 3), 0.123, np.float32)) == 0.0


def test_mixing_is_one_for_shuffled_sources_and_zero_for_separate_ones(cube):
    rows = np.arange(600)
    sides = (cube[1][:, 0] > 0).astype(int)
    far_apart = cube[1] + 10.0 * sides[:, None].astype(np.float32)
    assert source_mixing(cube[1], np.random.default_rng(0).permutation(sides), rows) == pytest.approx(1.0, abs=0.06)
    assert source_mixing(far_apart, sides, rows) == 0.0
    assert 0.05 < source_mixing(cube[1], sides, rows) < 0.6


def test_equal_coordinates_never_count_a_row_as_its_own_neighbor():
    layout = np.zeros((40, 3), np.float32)
    assert source_mixing(layout, np.arange(40), np.arange(40)) == 1.0


@pytest.mark.parametrize("num_rows", [1, 2, 3, 40])
def test_tiny_and_collapsed_layouts_are_measured_or_none(num_rows):
    quality = layout_quality(
        np.ones((num_rows, 4), np.float32), np.zeros((num_rows, 3), np.float32), np.zeros(num_rows, int)
    )
    assert quality["source_mixing"] is None
    assert quality["layout_outlier_share"] == 0.0
    assert (quality["layout_spread"] is None) == (num_rows == 1)
    assert (quality["trustworthiness"] is None) == (num_rows < 3)


def test_the_seed_fixes_the_sample(cube):
    sources = np.arange(600) % 3
    assert layout_quality(*cube, sources, seed=1) == layout_quality(*cube, sources, seed=1)
