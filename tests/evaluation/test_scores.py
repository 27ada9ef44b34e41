"""Blocks of any size give what all similarities at once give, and ties make no encoder look good."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.errors import InputError
from kat_ray.evaluation import scores as module
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import Scores, block_rows, score


def arrays(scores: Scores) -> list[np.ndarray]:
    return [np.asarray(getattr(scores, field.name)) for field in fields(scores)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(5, 30), st.integers(1, 9))
def test_scores_are_those_of_all_similarities_at_once(several, cosines, seed, num_queries, num_documents, dimension):
    queries, documents, relevance = several(seed, num_queries, num_documents, dimension)
    scores, matrix = score(queries, documents, relevance), cosines(queries, documents)
    np.testing.assert_allclose(scores.similarities, matrix[relevance.queries, relevance.rows], atol=1e-12)
    np.testing.assert_allclose(scores.own_similarities, matrix[np.arange(num_queries), relevance.own_rows], atol=1e-12)
    for query, line in enumerate(matrix):
        relevant = np.zeros(num_documents, bool)
        relevant[relevance.relevant_to(query)] = True
        for moments, values in ((scores.positive, line[relevant]), (scores.negative, line[~relevant])):
            got = [column[query] for column in moments]
            np.testing.assert_allclose(got, [len(values), values.sum(), (values**2).sum()], atol=1e-12)
        hard = slice(*relevance.hard_offsets[query : query + 2])
        np.testing.assert_allclose(scores.hard_similarities[hard], line[relevance.hard_for(query)], atol=1e-12)
        nearest = np.sort(line)[::-1][:10]
        np.testing.assert_allclose(scores.top_similarities[query], nearest, atol=1e-8)
        np.testing.assert_allclose(line[scores.top_rows[query]], nearest, atol=1e-8)
        others = line[~relevant] if relevant[np.argmax(line)] else np.delete(line, np.argmax(line))
        assert scores.gaps[query] == pytest.approx(line.max() - others.max() if len(others) else np.nan, nan_ok=True)


def test_two_right_answers_side_by_side_are_no_small_gap():
    documents = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    both, one = Relevance.of([[0, 1]], num_documents=3), Relevance.of([[0]], num_documents=3)
    assert score(documents[:1], documents, both).gaps == pytest.approx(1.0)
    assert score(documents[:1], documents, one).gaps == pytest.approx(0.0, abs=1e-4)
    assert np.isnan(score(documents[:1], documents[:2], Relevance.of([[0, 1]], num_documents=2)).gaps[0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 30), st.integers(1, 3))
def test_ranks_are_places_in_the_one_order_that_the_nearest_documents_have(several, seed, num_documents, dimension):
    queries, documents, relevance = several(seed, 12, num_documents, dimension)
    queries, documents = np.sign(queries), np.sign(documents)  # few directions, many ties
    scores, matrix = score(queries, documents, relevance), np.round(queries @ documents.T)
    places = {
        (query, row): rank for query, row, rank in zip(relevance.queries, relevance.rows, scores.ranks, strict=True)
    }
    for query, line in enumerate(matrix):
        relevant = relevance.relevant_to(query)
        order = np.lexsort((np.arange(num_documents), np.isin(np.arange(num_documents), relevant), -line))
        assert [places[query, row] for row in relevant] == [order.tolist().index(row) + 1 for row in relevant]
        assert scores.top_rows[query].tolist() == order[: len(scores.top_rows[query])].tolist()


def test_histograms_count_every_similarity_in_its_bin(several, cosines):
    queries, documents, relevance = several(1, 30, 50)
    scores, matrix = score(queries, documents, relevance), cosines(queries, documents)
    is_relevant = np.zeros(matrix.shape, bool)
    is_relevant[relevance.queries, relevance.rows] = True
    for histogram, values in (
        (scores.positive_histogram, matrix[is_relevant]),
        (scores.negative_histogram, matrix[~is_relevant]),
    ):
        assert np.array_equal(histogram, np.histogram(values, bins=2000, range=(-1, 1))[0])


def test_the_size_of_a_block_changes_nothing(several, monkeypatch):
    queries, documents, relevance = several(2, 90, 70)
    at_once = score(queries, documents, relevance)
    monkeypatch.setattr(module, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(module, "_TILE_BYTES", 8 * 8 * 13)
    for block_bytes in (1, 8 * 70 * 7, 8 * 70 * 89):
        for got, expected in zip(
            arrays(score(queries, documents, relevance, block_bytes=block_bytes)), arrays(at_once), strict=True
        ):
            np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("num_documents", [1, 1_000, 10_000, 10**7])
def test_a_block_of_similarities_has_the_bytes_that_it_may_have(num_documents):
    rows = block_rows(num_documents, 64 << 20)
    assert rows * num_documents * 8 <= 64 << 20 or rows == 32
    assert (rows + 1) * num_documents * 8 > 64 << 20


def test_memory_grows_with_the_block_and_not_with_all_similarities():
    random = np.random.default_rng(0)
    queries, documents = (random.normal(size=(2_000, 8)).astype(np.float32) for _ in range(2))
    relevance = Relevance.diagonal(2_000)
    tracemalloc.start()
    score(queries, documents, relevance, block_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20 < 2_000 * 2_000 * 8


def test_an_encoder_that_gives_every_text_one_vector_finds_nothing(collapsed):
    scores = score(*collapsed)
    assert (scores.ranks == 60).all()
    assert not (scores.top_rows == np.arange(60)[:, None]).any()
    np.testing.assert_allclose(scores.gaps, 0.0, atol=1e-12)


def test_the_lengths_of_vectors_do_not_matter(planted):
    longer = (1e-30 * planted.queries, (planted.documents * np.arange(1, 61)[:, None]).astype(np.float32))
    for got, expected in zip(arrays(score(*longer, planted.relevance)), arrays(score(*planted)), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_one_query_or_one_document_is_scored():
    vectors = np.eye(3, dtype=np.float32)
    alone = score(vectors[:1], vectors[:1], Relevance.diagonal(1))
    assert alone.ranks.tolist() == [1]
    assert np.isnan(alone.gaps).all()
    assert alone.negative.counts.tolist() == [0]
    asked = score(vectors[:1], vectors, Relevance.of([[0]], num_documents=3))
    assert asked.top_rows.tolist() == [[0, 1, 2]]
    assert asked.gaps.tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda q, d: (q[:-1], d), "The query vectors have 59 rows, expected 60"),
        (lambda q, d: (q, d[:-1]), "The document vectors have 59 rows, expected 60"),
        (lambda q, d: (q[:, :5], d), "queries have 5 dimensions, the documents 64"),
        (lambda q, d: (q * np.float32(np.nan), d), "The query vectors holds NaN or infinity"),
        (lambda q, d: (q, np.where(np.arange(60)[:, None] == 7, 0, d)), "zero rows, .* the first is row 7"),
        (lambda q, d: (q.astype(np.float64), d), "The query vectors are float64, expected float32"),
        (lambda q, d: (q.ravel(), d), r"has 1 axes \(shape \(3840,\)\), expected 2"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(change, sentence, planted):
    with pytest.raises(InputError, match=sentence):
        score(*change(planted.queries, planted.documents), planted.relevance)
