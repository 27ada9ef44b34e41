"""Layouts keep neighborhoods, repeat by seed, stay in the cube, and exist for any number of rows."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kat_ray.errors import InputError, ResourceError
from kat_ray.geometry.layout import LayoutConfig, layout, normalize_layout, place, principal_axes
from kat_ray.geometry.layout_quality import layout_quality
from kat_ray.geometry.neighbors import exact_neighbors, search

DEFAULT = LayoutConfig()


def draw(vectors, config=DEFAULT):
    graph = exact_neighbors(vectors, 20)
    return layout(vectors, graph.indices, graph.distances, config)


@pytest.fixture(scope="module")
def crowds(unit):
    random = np.random.default_rng(2)
    owner = np.repeat(np.arange(5), 100)
    return unit(random.normal(size=(5, 32))[owner] + 0.3 * random.normal(size=(500, 32))), owner


@pytest.fixture(scope="module")
def crowds_layout(crowds):
    return draw(crowds[0])


def test_rows_of_one_crowd_stand_together(crowds, crowds_layout):
    owner = crowds[1]
    near = exact_neighbors(crowds_layout, 5).indices
    assert (owner[near] == owner[:, None]).mean() > 0.98


def test_neighborhoods_are_kept_and_nobody_is_flung_away(crowds, crowds_layout):
    quality = layout_quality(crowds[0], crowds_layout, crowds[1])
    assert quality["trustworthiness"] > 0.9
    assert quality["layout_outlier_share"] == 0.0


def test_the_seed_decides_the_layout(crowds, crowds_layout):
    assert np.array_equal(draw(crowds[0]), crowds_layout)
    assert not np.array_equal(draw(crowds[0], LayoutConfig(seed=7)), crowds_layout)


def test_only_the_first_columns_of_the_graph_count(crowds, crowds_layout):
    wider = exact_neighbors(crowds[0], 30)
    assert np.array_equal(layout(crowds[0], wider.indices, wider.distances), crowds_layout)
    assert not np.array_equal(draw(crowds[0], LayoutConfig(n_neighbors=5)), crowds_layout)


@pytest.mark.parametrize("num_rows", [1, 2, 3, 5, 9, 10, 11, 16, 40])
@pytest.mark.parametrize("dimension", [2, 32])
def test_any_number_of_rows_has_a_finite_layout_in_the_cube(num_rows, dimension):
    points = draw(np.random.default_rng(0).normal(size=(num_rows, dimension)).astype(np.float32))
    assert points.shape == (num_rows, 3)
    assert points.dtype == np.float32
    assert np.abs(points).max() == (1.0 if num_rows > 1 else 0.0)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-6)


def test_equal_rows_have_a_layout_too(unit):
    rows = np.repeat(unit(np.random.default_rng(0).normal(size=(1, 40))), 60, axis=0)
    assert np.isfinite(draw(rows)).all()
    assert not draw(rows[:7]).any()


def test_graphs_in_many_pieces_need_no_warning(unit):
    random = np.random.default_rng(0)
    pieces = unit(np.repeat(random.normal(size=(12, 16)), 30, axis=0) + 0.01 * random.normal(size=(360, 16)))
    points = draw(pieces)
    assert np.isfinite(points).all()
    assert layout_quality(pieces, points, np.zeros(360, int))["layout_outlier_share"] == 0.0


def test_a_flat_layout_keeps_neighborhoods_in_two_coordinates(crowds):
    vectors, owner = crowds
    points = draw(vectors, LayoutConfig(num_axes=2))
    assert points.shape == (500, 2)
    assert np.abs(points).max() == 1.0
    assert layout_quality(vectors, points, owner)["trustworthiness"] > 0.85
    assert draw(vectors[:5], LayoutConfig(num_axes=2)).shape == (5, 2)


def test_a_layout_of_other_axes_is_refused():
    with pytest.raises(InputError, match="num_axes is 4, expected 2 or 3"):
        LayoutConfig(num_axes=4)


def test_few_rows_are_shown_at_their_true_distances():
    corners = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0]], np.float32)
    points = draw(corners)
    sides = [np.linalg.norm(points[a] - points[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(np.array(sides) / sides[0], [1, 4 / 3, 5 / 3], rtol=1e-5)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-1e6, 1e6, width=32)),
    st.floats(0.001953125, 1000, width=32),
)
def test_normalizing_is_one_shift_and_one_scale(coordinates, factor):
    normal = normalize_layout(coordinates)
    assert np.abs(normal).max() <= 1.0
    differences = coordinates.astype(float) - coordinates[0]
    scale = np.abs(coordinates - coordinates.mean(axis=0, dtype=float)).max()
    if scale > 1e-6 * np.abs(coordinates).max():
        np.testing.assert_allclose((normal - normal[0]) * scale, differences, atol=scale * 1e-6)
        np.testing.assert_allclose(normalize_layout(coordinates.astype(float) * factor), normal, atol=1e-6)


def test_normalizing_equal_coordinates_gives_the_origin_and_not_blown_up_rounding():
    assert not normalize_layout(np.full((21, 3), 1.9)).any()


def test_principal_axes_are_those_of_the_singular_value_decomposition(geo):
    centred = geo.vectors.astype(float) - geo.vectors.mean(axis=0, dtype=float)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(principal_axes(geo.vectors)), np.abs(left[:, :3] * singular[:3]), atol=1e-5)


def place_among(old_vectors, old_layout, new_vectors):
    found = search(new_vectors, np.full(len(new_vectors), -1), old_vectors, 0, 15)
    return place(old_layout, found.indices, found.distances)


def test_a_new_row_equal_to_an_old_one_stands_on_it(crowds, crowds_layout):
    assert np.array_equal(place_among(crowds[0], crowds_layout, crowds[0]), crowds_layout)
    nearly = crowds[0] + np.float32(1e-5) * np.random.default_rng(0).normal(size=crowds[0].shape).astype(np.float32)
    assert np.array_equal(place_among(crowds[0], crowds_layout, nearly), crowds_layout)


def test_new_rows_stand_among_their_kind_and_old_ones_do_not_move(crowds):
    vectors, owner = crowds
    is_new = np.arange(500) % 10 == 0
    old_layout = draw(vectors[~is_new])
    before = old_layout.copy()
    placed = place_among(vectors[~is_new], old_layout, vectors[is_new])
    nearest = exact_neighbors(np.vstack([old_layout, placed]), 5).indices[len(old_layout) :]
    owners = np.r_[owner[~is_new], owner[is_new]]
    assert (owners[nearest] == owner[is_new][:, None]).mean() > 0.95
    assert np.array_equal(old_layout, before)


def test_a_placed_row_does_not_depend_on_what_else_is_placed(crowds, crowds_layout, unit):
    new = unit(crowds[0][:40].astype(float) + 0.1)
    together = place_among(crowds[0], crowds_layout, new)
    assert np.array_equal(place_among(crowds[0], crowds_layout, new[7:8])[0], together[7])


def test_arrays_that_do_not_fit_are_refused(crowds):
    graph = exact_neighbors(crowds[0], 5)
    with pytest.raises(InputError, match="needs 14"):
        layout(crowds[0], graph.indices, graph.distances)
    with pytest.raises(InputError, match="500 rows, expected 499"):
        layout(crowds[0][:499], graph.indices, graph.distances)
    with pytest.raises(InputError, match="no neighbors"):
        place(np.zeros((1, 3), np.float32), np.zeros((2, 0), int), np.zeros((2, 0)))
    with pytest.raises(InputError, match="min_dist is 2"):
        LayoutConfig(min_dist=2.0)


def test_a_missing_gpu_library_is_an_error_and_not_a_fall_back(crowds, monkeypatch):
    monkeypatch.setitem(sys.modules, "cuml.manifold", None)
    with pytest.raises(ResourceError, match="cuML"):
        draw(crowds[0], LayoutConfig(device="gpu"))


@pytest.mark.gpu
def test_the_layout_of_the_gpu_can_be_trusted_like_that_of_the_cpu(crowds, crowds_layout):
    vectors, owner = crowds
    on_gpu = layout_quality(vectors, draw(vectors, LayoutConfig(device="gpu")), owner)
    assert on_gpu["trustworthiness"] > layout_quality(vectors, crowds_layout, owner)["trustworthiness"] - 0.02
    assert on_gpu["layout_outlier_share"] == 0.0
