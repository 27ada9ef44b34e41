"""The graph is exact, a function of the vectors alone, and the same for any split of the work."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.errors import InputError
from kat_ray.geometry import neighbors
from kat_ray.geometry.distances import squared_norms
from kat_ray.geometry.neighbors import ExactIndex, Neighbors, exact_neighbors, merge, search

KINDS = ("spread", "repeated", "nearly equal", "odd lengths")


def make_vectors(kind: str, num_rows: int, dimension: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(num_rows, dimension))
    if kind == "repeated":
        vectors = vectors[random.integers(0, 1 + num_rows // 10, num_rows)]
    if kind == "nearly equal":
        vectors = vectors[:1] + 1e-4 * vectors
    if kind == "odd lengths":
        vectors *= 10.0 ** random.integers(-3, 4, size=(num_rows, 1))
        vectors[::7] = 0.0
    else:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


corpora = st.builds(
    make_vectors, st.sampled_from(KINDS), st.integers(1, 120), st.sampled_from([1, 3, 31, 32, 70]), st.integers(0, 999)
)


def float32_order(queries: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """The k nearest rows as the usual expression in float32 ranks them."""
    squares = (queries**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1) - 2 * queries @ rows.T
    return np.argsort(squares, axis=1, kind="stable")[:, :k]


def assert_same(left: Neighbors, right: Neighbors) -> None:
    assert np.array_equal(left.indices, right.indices)
    assert np.array_equal(left.distances, right.distances)


@settings(max_examples=60, deadline=None)
@given(vectors=corpora, k=st.integers(1, 30))
def test_graph_equals_brute_force_with_ties_counted(vectors, k, all_distances):
    truth = all_distances(vectors)
    k_found = min(k, len(vectors) - 1)
    graph = exact_neighbors(vectors, k)
    assert graph.indices.shape == graph.distances.shape == (len(vectors), k_found)
    np.testing.assert_allclose(graph.distances, np.sort(truth, axis=1)[:, :k_found], rtol=1e-12)
    for row, indices in enumerate(graph.indices):
        assert row not in indices
        assert len(set(indices)) == k_found
        np.testing.assert_allclose(truth[row, indices], graph.distances[row], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(vectors=corpora, k=st.integers(1, 25), block_rows=st.integers(7, 60), shard_rows=st.integers(7, 60))
def test_any_split_gives_the_same_bits(vectors, k, block_rows, shard_rows):
    assert_same(exact_neighbors(vectors, k), exact_neighbors(vectors, k, block_rows=block_rows, shard_rows=shard_rows))


def test_any_split_gives_the_same_bits_at_the_width_of_a_real_encoder(unit):
    random = np.random.default_rng(3)
    vectors = unit(random.normal(size=(40, 384))[random.integers(0, 40, 3000)] + 0.5 * random.normal(size=(3000, 384)))
    assert_same(exact_neighbors(vectors, 20), exact_neighbors(vectors, 20, block_rows=700, shard_rows=1100))


def test_one_index_answers_any_number_of_blocks_like_an_index_of_its_own_for_each():
    vectors = make_vectors("nearly equal", 200, 40, 4)
    index = ExactIndex(vectors[50:170], 50)
    for rows in (np.arange(0, 90), np.arange(90, 200), np.arange(40, 60)):
        assert_same(index.search(vectors[rows], rows, 8), search(vectors[rows], rows, vectors[50:170], 50, 8))


def test_a_shard_is_measured_once_for_all_blocks(monkeypatch):
    measured = []
    monkeypatch.setattr(neighbors, "squared_norms", lambda rows: measured.append(len(rows)) or squared_norms(rows))
    exact_neighbors(make_vectors("spread", 90, 8, 0), 5, block_rows=40, shard_rows=60)
    assert sorted(measured, reverse=True) == [60, 40, 40, 40, 40, 30, 10, 10]


@settings(max_examples=150, deadline=None)
@given(vectors=corpora, k=st.integers(1, 12), cut=st.integers(0, 120))
def test_a_search_within_reach_of_what_is_known_loses_nothing_of_the_merge(vectors, k, cut):
    cut, rows = min(cut, len(vectors)), np.arange(len(vectors))
    known = search(vectors, rows, vectors[:cut], 0, k)
    index = ExactIndex(vectors[cut:], cut)
    within = index.search(vectors, rows, k, known.distances[:, -1])
    assert_same(merge(known, within, k), merge(known, index.search(vectors, rows, k), k))
    assert_same(merge(within, known, k), search(vectors, rows, vectors, 0, k))


def test_rows_out_of_reach_are_not_even_measured(monkeypatch, geo):
    shown = []
    index = ExactIndex(geo.vectors)
    find = index._finder.find
    monkeypatch.setattr(index._finder, "find", lambda *given: shown.append(find(*given)) or shown[-1])
    found = index.search(geo.vectors, np.arange(250), 5, np.full(250, 0.01))
    assert (shown[0].rows < 0).all()
    assert (found.indices < 0).all()


def test_merge_is_associative_and_commutative():
    vectors = make_vectors("repeated", 90, 8, 5)
    rows = np.arange(90)
    parts = [search(vectors, rows, vectors[start : start + 30], start, 12) for start in (0, 30, 60)]
    orders = [(0, 1, 2), (2, 1, 0), (1, 2, 0)]
    merged = [reduce(lambda a, b: merge(a, b, 12), [parts[i] for i in order]) for order in orders]
    merged.append(merge(parts[0], merge(parts[1], parts[2], 12), 12))
    for other in merged:
        assert_same(other, exact_neighbors(vectors, 12))


def test_equal_distances_are_ordered_by_the_lower_row():
    vectors = np.repeat(np.eye(2, 8, dtype=np.float32), 40, axis=0)
    indices = exact_neighbors(vectors, 10).indices
    assert indices[0].tolist() == list(range(1, 11))
    assert indices[5].tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert indices[79].tolist() == list(range(40, 50))


def test_rows_at_exactly_one_distance_keep_row_order_where_float32_scrambles_it():
    random = np.random.default_rng(6)
    query = random.integers(-16384, 16385, size=384)
    steps = np.array([random.permutation(np.r_[np.full(8, 3), np.full(376, 1)]) for _ in range(14)])
    rows = np.vstack([query, random.integers(-16384, 16385, size=(400, 384)), query + 64 * steps])
    vectors = (rows / 16384).astype(np.float32)
    proposed = float32_order(vectors[:1], vectors, 15)[0]
    assert set(proposed) == {0, *range(401, 415)}
    assert np.any(np.diff(proposed) < 0)
    nearest = search(vectors, np.arange(415), vectors, 0, 14)
    assert np.ptp(nearest.distances[0]) == 0.0
    assert nearest.indices[0].tolist() == list(range(401, 415))


@pytest.mark.parametrize("scale", [1e-18, 1e-22, 1e-25])
def test_rows_whose_products_float32_cannot_hold_are_still_ranked_right(scale, all_distances):
    vectors = (scale * np.random.default_rng(0).normal(size=(600, 32))).astype(np.float32)
    truth = all_distances(vectors)
    graph = exact_neighbors(vectors, 8)
    np.testing.assert_allclose(graph.distances, np.sort(truth, axis=1)[:, :8], rtol=1e-12)


def test_a_shard_with_fewer_rows_than_are_wanted_needs_no_second_look(monkeypatch):
    seen = []
    monkeypatch.setattr(neighbors, "_possible_rows", lambda *given: seen.append(len(given[2])) or iter(()))
    vectors = make_vectors("spread", 50, 8, 0)
    assert (search(vectors, np.arange(50), vectors[:4], 0, 9).indices[:, 4:] == -1).all()
    assert seen == [0]


def test_self_is_left_out_by_index_among_thousands_of_equal_rows():
    vectors = np.repeat(make_vectors("spread", 1, 384, 1), 3000, axis=0)
    graph = exact_neighbors(vectors, 20)
    assert not graph.distances.any()
    assert (graph.indices != np.arange(3000)[:, None]).all()
    assert graph.indices[2999].tolist() == list(range(20))


def test_rows_that_float32_cannot_tell_apart_are_still_ranked_right(all_distances):
    vectors = make_vectors("nearly equal", 400, 384, 2)
    proposed = float32_order(vectors, vectors, 6)
    truth = np.argsort(all_distances(vectors), axis=1)[:, :5]
    assert sum(not set(right) <= set(found) for right, found in zip(truth, proposed, strict=True)) > 40
    assert np.array_equal(exact_neighbors(vectors, 5).indices, truth)


def test_distances_are_right_to_1e_5_down_to_1e_4(unit):
    random = np.random.default_rng(0)
    base = unit(random.normal(size=(200, 384)))
    steps = unit(random.normal(size=(200, 384)))
    lengths = np.logspace(-4, -1, 200)[:, None]
    vectors = np.vstack([base, (base + lengths * steps).astype(np.float32)])
    nearest = exact_neighbors(vectors, 1)
    exact = np.sqrt(((vectors[:200].astype(np.longdouble) - vectors[200:].astype(np.longdouble)) ** 2).sum(axis=1))
    assert exact.min() < 1.1e-4
    assert np.array_equal(nearest.indices[:200, 0], np.arange(200, 400))
    np.testing.assert_allclose(nearest.distances[:200, 0], exact.astype(float), rtol=1e-5)
    expanded = np.sqrt(np.maximum(0, 2 - 2 * (vectors[:200] * vectors[200:]).sum(axis=1)))
    assert np.abs(expanded / exact - 1).max() > 1e-2, "the shortcut is as good, and the direct difference is not tested"


def test_permuting_the_rows_permutes_the_graph(geo):
    order = np.random.default_rng(1).permutation(len(geo.vectors))
    plain, permuted = exact_neighbors(geo.vectors, 10), exact_neighbors(geo.vectors[order], 10)
    assert np.array_equal(order[permuted.indices], plain.indices[order])
    assert np.array_equal(permuted.distances, plain.distances[order])


def test_a_shard_with_fewer_rows_than_k_is_padded():
    vectors = make_vectors("spread", 4, 8, 0)
    found = search(vectors, np.arange(4), vectors[:2], 0, 5)
    assert found.indices[0].tolist() == [1, -1, -1, -1, -1]
    assert found.indices[3, 2:].tolist() == [-1, -1, -1]
    assert np.isinf(found.distances[0, 1:]).all()


def test_an_unseen_query_may_find_a_row_equal_to_it():
    vectors = make_vectors("spread", 30, 8, 0)
    found = search(vectors[11:12], np.array([-1]), vectors, 0, 3)
    assert (found.indices[0, 0], found.distances[0, 0]) == (11, 0.0)


def test_a_read_only_memory_map_is_searched_in_place(tmp_path: Path):
    vectors = make_vectors("spread", 200, 32, 0)
    np.save(tmp_path / "rows.npy", vectors)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert_same(exact_neighbors(mapped, 7), exact_neighbors(vectors, 7))


@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_tiny_corpora_have_as_many_neighbors_as_other_rows(num_rows):
    graph = exact_neighbors(make_vectors("spread", max(num_rows, 1), 8, 0)[:num_rows], 10)
    assert graph.indices.shape == (num_rows, max(0, num_rows - 1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_rows_that_are_no_vectors_are_refused_by_number(bad):
    vectors = make_vectors("spread", 50, 8, 0)
    vectors[17, 3] = bad
    with pytest.raises(InputError, match="first in row 17"):
        exact_neighbors(vectors, 5)


@pytest.mark.parametrize("bad", [np.zeros(8, np.float32), np.zeros((9, 8)), np.full((9, 8), np.nan, np.float32)])
def test_a_shard_is_checked_before_any_query_comes(bad):
    with pytest.raises(InputError, match="shard"):
        ExactIndex(bad)


def test_other_dtypes_and_dimensions_are_refused():
    vectors = make_vectors("spread", 50, 8, 0)
    with pytest.raises(InputError, match="float64"):
        exact_neighbors(vectors.astype(np.float64), 5)
    with pytest.raises(InputError, match="4 dimensions, the queries 8"):
        search(vectors, np.arange(50), vectors[:, :4].copy(), 0, 5)
    with pytest.raises(InputError, match="49 rows but there are 50"):
        search(vectors, np.arange(49), vectors, 0, 5)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_the_gpu_gives_the_bits_of_the_cpu(kind):
    vectors = make_vectors(kind, 5000, 384, 0)
    split = exact_neighbors(vectors, 20, block_rows=1024, shard_rows=3000, device="gpu")
    assert_same(split, exact_neighbors(vectors, 20))
