"""What plots show of the scores is what plain NumPy finds in all similarities."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.evaluation.excerpts import bars, examples, is_relevant, leads, quantiles, similarity_block, spread
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import NUM_BINS, score


@pytest.fixture(scope="module")
def plain(several, cosines):
    """A set with several positives a query, its scores, and all similarities."""
    found = several(3)
    return found, score(*found), cosines(found.queries, found.documents)


def relevant_mask(relevance):
    mask = np.zeros((relevance.num_queries, relevance.num_documents), bool)
    mask[relevance.queries, relevance.rows] = True
    return mask


def test_relevant_documents_are_known_for_any_choice_of_queries(plain):
    relevance, mask = plain[0].relevance, relevant_mask(plain[0].relevance)
    queries, documents = np.array([5, 0, 39]), np.random.default_rng(0).integers(60, size=(3, 30))
    assert np.array_equal(is_relevant(relevance, queries, documents), mask[queries[:, None], documents])


def test_the_block_holds_own_positives_on_its_diagonal(plain):
    (queries, documents, relevance), _, similarities = plain
    block = similarity_block(queries * np.float32(3), documents, relevance)
    columns = relevance.own_rows
    np.testing.assert_allclose(block.similarities, similarities[:, columns], atol=1e-6)
    assert np.array_equal(block.relevant, relevant_mask(relevance)[:, columns])
    assert block.relevant.diagonal().all()


def test_a_block_has_fifty_queries_at_most(several):
    assert similarity_block(*several(1, 51, 60)).similarities.shape == (50, 50)


def test_a_small_set_is_a_small_block(plain):
    queries, documents, _ = plain[0]
    assert similarity_block(queries[:3], documents[:3], Relevance.diagonal(3)).similarities.shape == (3, 3)


def test_bars_are_shares_of_all_pairs_over_the_range_that_is_used(plain):
    (_, _, relevance), scores, similarities = plain
    found = bars(scores.positive_histogram, scores.negative_histogram)
    mask = relevant_mask(relevance)
    for shares, values in ((found.positive, similarities[mask]), (found.negative, similarities[~mask])):
        expected = np.histogram(values, found.edges)[0] / len(values)
        assert shares.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(shares, expected, atol=2 / len(values))  # values on an edge
    assert len(found.edges) == 51
    assert found.edges[0] <= similarities.min() < found.edges[1]


@pytest.mark.parametrize("place", [0, 1000, NUM_BINS - 1])
def test_similarities_in_one_bin_or_none_have_bars_too(place):
    counts = np.bincount([place], minlength=NUM_BINS)
    found = bars(counts, np.zeros(NUM_BINS, np.int64))
    assert found.positive.sum() == 1.0
    assert not found.negative.any()
    assert -1.0 - 1e-12 <= found.edges[0] < found.edges[-1] <= 1.0 + 1e-12
    assert not bars(counts * 0, counts * 0).positive.any()


def test_spread_is_that_of_the_similarities_to_a_bin(plain):
    (_, _, relevance), scores, similarities = plain
    values = similarities[relevant_mask(relevance)]
    found = spread(scores.positive_histogram, scores.positive)
    np.testing.assert_allclose(found[-2:], [values.mean(), values.std()], atol=1e-9)
    others = similarities[~relevant_mask(relevance)]
    expected = np.percentile(others, [1, 25, 50, 75, 99])
    np.testing.assert_allclose(spread(scores.negative_histogram, scores.negative)[:5], expected, atol=0.004)
    assert spread(scores.positive_histogram * 0, scores.positive._replace(counts=np.zeros(40))) is None


def test_quantiles_are_even_within_a_bin_and_ordered():
    counts = np.zeros(NUM_BINS, np.int64)
    counts[[1000, 1500]] = 4, 4
    np.testing.assert_allclose(quantiles(counts, (0.25, 0.5, 0.75)), [0.0005, 0.001, 0.5005], atol=1e-9)


def test_leads_tell_the_nearest_relevant_document_from_the_nearest_other(plain):
    (_, _, relevance), scores, similarities = plain
    mask = relevant_mask(relevance)
    expected = np.where(mask, similarities, -2).max(axis=1) - np.where(mask, -2, similarities).max(axis=1)
    np.testing.assert_allclose(leads(scores, relevance), expected, atol=1e-9)


def test_examples_run_from_the_best_query_to_the_worst(plain):
    (_, _, relevance), scores, _ = plain
    rows = examples(scores, relevance)
    first = leads(scores, relevance)
    assert len(rows) == len(set(rows.tolist())) == 5
    assert first[rows[0]] == first.max()
    assert scores.ranks[relevance.offsets[rows[-1]] : relevance.offsets[rows[-1] + 1]].min() == max(
        scores.ranks[a:b].min() for a, b in zip(relevance.offsets[:-1], relevance.offsets[1:], strict=True)
    )


def test_of_few_queries_all_are_examples(several):
    few = several(1, num_queries=3)
    assert sorted(examples(score(*few), few.relevance).tolist()) == [0, 1, 2]
