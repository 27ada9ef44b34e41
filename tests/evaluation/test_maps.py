"""Maps keep neighborhoods, repeat by seed, exist for any number of rows, and are not flattered by equal vectors."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from kat_ray.errors import InputError, ResourceError
from kat_ray.evaluation import maps
from kat_ray.evaluation.maps import clustering, map_trustworthiness, num_near, tsne, umap
from kat_ray.evaluation.relevance import Relevance

MAPS = pytest.mark.parametrize("draw", [tsne, umap])


@pytest.fixture(scope="module")
def drawn(planted) -> dict[object, np.ndarray]:
    vectors = np.concatenate([planted.queries, planted.documents])
    return {draw: draw(vectors) for draw in (tsne, umap)}


@MAPS
def test_queries_stand_near_their_positives_when_their_vectors_do(draw, drawn, planted):
    assert drawn[draw].shape == (120, 2)
    assert drawn[draw].dtype == np.float32
    assert clustering(drawn[draw], planted.relevance).mean() > 0.95


@MAPS
def test_queries_stand_anywhere_when_their_vectors_do(draw, chance):
    points = draw(np.concatenate([chance.queries, chance.documents]))
    assert clustering(points, chance.relevance).mean() < 0.4


@MAPS
def test_the_seed_decides_the_map(draw, drawn, planted):
    vectors = np.concatenate([planted.queries, planted.documents])
    assert np.array_equal(draw(vectors), drawn[draw])
    assert not np.array_equal(draw(vectors, seed=7), drawn[draw])


@MAPS
def test_lengths_of_vectors_do_not_count(draw, drawn, planted):
    vectors = np.concatenate([planted.queries, planted.documents])
    assert np.array_equal(draw(vectors * np.float32(4.0)), drawn[draw])


def test_defaults_are_those_of_the_seeds(planted, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        maps, "_tsne_on_cpu", lambda vectors, axes, seed, perplexity: asked.update(tsne=(seed, perplexity)) or axes
    )
    monkeypatch.setattr(maps, "layout", lambda *given: asked.update(umap=given[-1]))
    vectors = np.concatenate([planted.queries, planted.documents])
    tsne(vectors)
    umap(vectors)
    assert asked["tsne"] == (42, 30.0)
    assert (asked["umap"].n_neighbors, asked["umap"].min_dist, asked["umap"].seed) == (15, 0.1, 42)


@MAPS
@pytest.mark.parametrize("num_rows", [1, 2, 3, 9, 10, 16, 40])
def test_any_number_of_rows_has_a_finite_map(draw, num_rows):
    points = draw(np.random.default_rng(0).normal(size=(num_rows, 8)).astype(np.float32))
    assert points.shape == (num_rows, 2)
    assert np.abs(points).max() == (1.0 if num_rows > 1 else 0.0)


@MAPS
def test_equal_vectors_stand_in_one_place_where_nothing_is_found(draw, collapsed):
    points = draw(np.concatenate([collapsed.queries, collapsed.documents]))
    assert not points.any()
    assert not clustering(points, collapsed.relevance).any()
    assert map_trustworthiness(collapsed.queries, points[:60]) is None


@MAPS
def test_vectors_on_a_line_and_vectors_that_are_there_many_times_have_a_map(draw):
    angles = np.linspace(0, 1, 30, dtype=np.float32)
    line = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert np.isfinite(draw(np.repeat(line, 5, axis=0))).all()
    assert np.isfinite(draw(line)).all()


@MAPS
def test_trustworthiness_is_that_of_scikit_learn(draw, drawn, planted):
    vectors = np.concatenate([planted.queries, planted.documents])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = trustworthiness(unit, drawn[draw], n_neighbors=15)
    assert expected > 0.7
    assert map_trustworthiness(vectors, drawn[draw]) == pytest.approx(expected, abs=1e-6)


@MAPS
def test_vectors_that_are_no_numbers_are_refused(draw):
    with pytest.raises(InputError, match="NaN or infinity, first in row 3"):
        draw(np.where(np.arange(20)[:, None] == 3, np.nan, 1.0).astype(np.float32) * np.ones((1, 4), np.float32))


@pytest.mark.parametrize(("draw", "package"), [(tsne, "openTSNE"), (umap, "umap.umap_")])
def test_a_map_whose_package_is_missing_says_so(draw, package, planted, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ResourceError, match=rf"cannot be imported \(import of {package} .*install the jobs extra"):
        draw(planted.queries)


@MAPS
def test_a_gpu_without_cuml_is_refused(draw, planted, monkeypatch):
    monkeypatch.setitem(sys.modules, "cuml", None)
    monkeypatch.setitem(sys.modules, "cuml.manifold", None)
    with pytest.raises(ResourceError, match="cuML cannot be imported"):
        draw(planted.queries, device="gpu")


def test_a_perplexity_of_nothing_is_refused(planted):
    with pytest.raises(InputError, match="perplexity is 0"):
        tsne(planted.queries, perplexity=0)


def test_clustering_counts_documents_before_the_own_one_by_brute_force():
    random = np.random.default_rng(1)
    relevance = Relevance.of([[row % 50, (row + 7) % 50] for row in range(80)], num_documents=50)
    points = random.normal(size=(130, 2)).astype(np.float32)
    distances = np.linalg.norm(points[:80, None].astype(float) - points[None, 80:].astype(float), axis=2)
    own = distances[np.arange(80), relevance.own_rows]
    expected = (distances < own[:, None]).sum(axis=1) < 5
    assert 0.05 < expected.mean() < 0.2
    assert np.array_equal(clustering(points, relevance), expected)


@pytest.mark.parametrize(("num_documents", "near"), [(20, 2), (60, 6), (100, 10), (5000, 10)])
def test_a_map_at_random_keeps_a_tenth_near_at_most_however_few_documents_there_are(num_documents, near):
    relevance = Relevance.diagonal(num_documents)
    points = np.random.default_rng(4).normal(size=(2 * num_documents, 2)).astype(np.float32)
    assert num_near(relevance) == near
    assert clustering(points, relevance).mean() < 0.25


def test_documents_at_the_place_of_the_own_one_count_as_nearer():
    points = np.random.default_rng(2).normal(size=(60, 2)).astype(np.float32)
    points[30:40] = points[40]  # eleven documents in one place: ten stand before each own one
    hidden = Relevance.of([[row % 11] for row in range(30)], num_documents=30)
    assert not clustering(points, hidden).any()


def test_few_documents_tell_nothing_about_clustering():
    points = np.zeros((19 + 19, 2), np.float32)
    assert clustering(points, Relevance.diagonal(19)) is None
    assert not clustering(np.zeros((40, 2), np.float32), Relevance.diagonal(20)).any()


@pytest.mark.gpu
@MAPS
def test_cuml_draws_the_same_neighborhoods(draw, planted):
    pytest.importorskip("cuml")
    points = draw(np.concatenate([planted.queries, planted.documents]), device="gpu")
    assert points.shape == (120, 2)
    assert clustering(points, planted.relevance).mean() > 0.9
