"""Clusters find what was planted, are ordered and repeatable, and their terms say what they are about."""

from __future__ import annotations

import random

import numpy as np
import pytest

from kat_ray.geometry import clusters
from kat_ray.geometry.clusters import cluster_graph, distinctive_terms
from kat_ray.geometry.neighbors import exact_neighbors


@pytest.fixture(scope="module")
def topics(unit):
    """400 unit rows around 8 centres of sizes 90, 80 … 20, in random order, and the centre of each."""
    noise = np.random.default_rng(5)
    owner = noise.permutation(np.repeat(np.arange(8), [90, 80, 70, 60, 40, 25, 20, 15]))
    return unit(noise.normal(size=(8, 64))[owner] + 0.4 * noise.normal(size=(400, 64))), owner


def clusters_of(vectors, seed=42):
    graph = exact_neighbors(vectors, 10)
    return cluster_graph(graph.indices, graph.distances, seed=seed)


def test_clusters_do_not_mix_planted_topics(topics):
    vectors, owner = topics
    labels = clusters_of(vectors)
    assert labels.max() + 1 >= 8
    for label in range(labels.max() + 1):
        assert len(set(owner[labels == label])) == 1


def test_labels_are_ordered_by_size_without_gaps(topics):
    sizes = np.bincount(clusters_of(topics[0]))
    assert (sizes > 0).all()
    assert (np.diff(sizes) <= 0).all()


def test_the_same_seed_gives_the_same_clusters_whatever_else_used_the_random_module(topics):
    random.seed(1)
    first = clusters_of(topics[0])
    random.seed(2)
    assert np.array_equal(first, clusters_of(topics[0]))


@pytest.mark.parametrize("num_rows", [0, 1, 2, 3])
def test_tiny_corpora_have_clusters_too(num_rows):
    labels = clusters_of(np.eye(max(num_rows, 1), 8, dtype=np.float32)[:num_rows])
    assert len(labels) == num_rows
    assert sorted(set(labels)) == list(range(len(set(labels))))


def test_rows_without_edges_and_equal_rows_are_clusters():
    assert cluster_graph(np.zeros((4, 0), int), np.zeros((4, 0))).tolist() == [0, 1, 2, 3]
    assert len(clusters_of(np.ones((50, 4), np.float32))) == 50


def test_terms_name_what_sets_a_cluster_apart():
    texts = ["How do I bake bread with yeast?", "Which yeast makes bread rise", "the bread oven"] * 4
    texts += ["How do volcanoes erupt?", "Which volcano has lava", "lava flows from volcanoes"] * 4
    terms = distinctive_terms(texts, np.repeat([0, 1], 12), 3)
    assert terms[0][:2] == ["bread", "yeast"]
    assert terms[1][:2] == ["lava", "volcanoes"]


def test_terms_work_in_scripts_with_and_without_spaces():
    texts = ["Как работает двигатель", "двигатель внутреннего сгорания", "日本の首都は東京です", "東京タワー"]
    texts += ["हिन्दी भाषा", "हिन्दी सीखना", "ภาษาไทย", "don't won't it's"]
    terms = distinctive_terms(texts, np.array([0, 0, 1, 1, 2, 2, 3, 4]), 4)
    assert terms[0][0] == "двигатель"
    assert "東京" in terms[1]
    assert terms[2][0] == "हिन्दी"
    assert terms[3]
    assert terms[4] == []


def test_clusters_without_words_have_no_terms_and_missing_labels_are_kept():
    assert distinctive_terms(["the of and", "🙂 🙃 42", ""], np.array([0, 1, 2]), 5) == [[], [], []]
    assert distinctive_terms(["bread", "lava"], np.array([0, 3]), 5) == [["bread"], [], [], ["lava"]]
    assert distinctive_terms([], np.array([], int), 5) == []


def test_a_huge_text_adds_only_its_opening():
    texts = ["bread " + "x " * 500 + "hidden " * 100_000, "lava"]
    assert distinctive_terms(texts, np.array([0, 1]), 5) == [["bread"], ["lava"]]


@pytest.mark.parametrize("num_crowds", [2, 12, 60])
def test_the_resolution_is_the_first_that_gives_enough_clusters(monkeypatch, num_crowds):
    random = np.random.default_rng(num_crowds)
    vectors = random.normal(size=(num_crowds, 8))[random.integers(0, num_crowds, 900)] + random.normal(size=(900, 8))
    graph = exact_neighbors((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), 15)
    found = cluster_graph(graph.indices, graph.distances)
    for resolution in clusters._RESOLUTIONS:
        monkeypatch.setattr(clusters, "_RESOLUTIONS", (resolution,))
        expected = cluster_graph(graph.indices, graph.distances)
        if expected.max() + 1 >= np.sqrt(900) / 2:
            break
    assert np.array_equal(found, expected)
