"""Differences are paired: what is hard for both encoders does not blur what sets them apart."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.evaluation.comparison import compare, is_different
from kat_ray.evaluation.measures import Measure, measure
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import score


def test_an_encoder_does_not_differ_from_itself(planted):
    scores = score(*planted)
    comparison = compare(scores, scores, planted.relevance)
    assert set(comparison.differences.values()) == {Measure(0.0, 0.0, 0.0)}
    assert (comparison.better, comparison.worse, comparison.same) == (0, 0, 60)
    assert not any(map(is_different, comparison.differences.values()))


def test_a_good_encoder_is_better_than_chance_and_chance_is_worse_by_as_much(planted, chance):
    good, bad = score(*planted), score(*chance)
    forth, back = compare(good, bad, planted.relevance), compare(bad, good, planted.relevance)
    assert (forth.better, forth.worse) == (back.worse, back.better)
    assert forth.better > 50
    for name in ("margin", "separation", "rank1_share", "mrr@10", "ndcg@10"):
        assert is_different(forth.differences[name])
        assert forth.differences[name].low > 0
        np.testing.assert_allclose(forth.differences[name], -np.array(back.differences[name])[[0, 2, 1]], atol=1e-9)


def test_a_small_difference_on_the_same_queries_is_seen_where_intervals_alone_overlap():
    random = np.random.default_rng(0)
    documents = random.normal(size=(80, 32))
    noise = random.normal(size=(80, 32)) * random.uniform(0.2, 2.0, size=(80, 1))
    relevance = Relevance.diagonal(80)
    old, new = (
        score((documents + share * noise).astype(np.float32), documents.astype(np.float32), relevance)
        for share in (1.0, 0.97)
    )
    before, after = (measure(scores, relevance)["positive_mean"] for scores in (old, new))
    assert before.low < after.value < before.high
    difference = compare(new, old, relevance).differences["positive_mean"]
    assert is_different(difference)
    assert difference.value == pytest.approx(after.value - before.value)
    assert difference.high - difference.low < 0.2 * (after.high - after.low)


def test_one_query_shows_a_difference_but_proves_none():
    vectors = np.eye(3, dtype=np.float32)
    relevance = Relevance.of([[0]], num_documents=3)
    comparison = compare(score(vectors[:1], vectors, relevance), score(vectors[1:2], vectors, relevance), relevance)
    assert comparison.better == 1
    assert comparison.differences["positive_mean"].value == 1.0
    assert not any(map(is_different, comparison.differences.values()))


@pytest.mark.parametrize(("num_better", "is_proven"), [(4, False), (5, False), (6, True)])
def test_fewer_than_six_queries_prove_no_difference(num_better, is_proven):
    documents = np.eye(200, dtype=np.float32)
    missed = documents.copy()
    missed[:num_better] = np.roll(documents, 1, axis=0)[:num_better]
    relevance = Relevance.diagonal(200)
    comparison = compare(score(documents, documents, relevance), score(missed, documents, relevance), relevance)
    share = comparison.differences["rank1_share"]
    assert comparison.better == num_better
    assert share.value == pytest.approx(num_better / 200)
    assert is_different(share) == is_proven


def test_encoders_on_other_sets_are_not_compared(planted):
    vectors = np.eye(3, dtype=np.float32)
    other = score(vectors, vectors, Relevance.diagonal(3))
    with pytest.raises(InputError, match="on 60 and 3 relevant documents, expected 60"):
        compare(score(*planted), other, planted.relevance)
