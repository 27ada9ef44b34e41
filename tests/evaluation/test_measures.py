"""Numbers equal those worked by hand, and intervals those of queries that were really drawn."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.evaluation.measures import (
    bootstrap,
    measure,
    num_changed,
    separation,
    separation_rss,
    share,
    values,
    with_interval,
)
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import score

NAMES = [
    *("positive_mean", "positive_std", "own_mean", "negative_mean", "negative_std", "margin", "separation"),
    *(
        "separation_rss",
        "rank1_share",
        "rank1_gap",
        "mrr@10",
        "recall@1",
        "recall@5",
        "recall@10",
        "recall@50",
        "ndcg@10",
        "map@100",
    ),
]


def vectors(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane."""
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1).astype(np.float32)


def test_the_example_of_the_seeds_is_1_76_by_their_formula_and_2_45_by_the_root_of_squares():
    margin, positive, negative = np.array([0.3713]), np.array([0.0876]), np.array([0.1234])
    assert separation(margin, positive, negative)[0] == pytest.approx(1.7597, abs=5e-5)
    assert separation_rss(margin, positive, negative)[0] == pytest.approx(2.4535, abs=5e-5)


def test_a_set_worked_by_hand():
    """Queries at 0 and 90 degrees, documents at 0 (own of the first), 60 and 120 (own of the second): 1, 0.5, -0.5 and
    0, 0.866, 0.866."""
    relevance = Relevance.of([[0], [2]], num_documents=3)
    got = values(score(vectors(0, 90), vectors(0, 60, 120), relevance), relevance)
    high = np.sqrt(0.75)
    assert list(got) == NAMES
    assert got["positive_mean"] == got["own_mean"] == pytest.approx((1 + high) / 2, abs=1e-6)
    assert got["positive_std"] == pytest.approx(np.std([1, high]), abs=1e-6)
    assert got["negative_mean"] == pytest.approx(high / 4, abs=1e-6)
    assert got["negative_std"] == pytest.approx(np.std([0.5, -0.5, 0, high]), abs=1e-6)
    assert got["margin"] == pytest.approx((1 + high) / 2 - high / 4, abs=1e-6)
    assert got["separation"] == pytest.approx(got["margin"] / (got["positive_std"] + got["negative_std"]))
    assert got["rank1_gap"] == pytest.approx((0.5 + 0) / 2, abs=1e-6)
    assert got["rank1_share"] == 0.5  # the second query's own positive is as near as another document: not first
    assert got["mrr@10"] == 0.75


def test_hard_negatives_are_counted_against_the_own_positive_of_their_query():
    relevance = Relevance.of([[0, 1], [2]], num_documents=5, hard_negatives=[[3], [1, 3, 4]])
    got = values(score(vectors(0, 90), vectors(10, 80, 70, 91, 70), relevance), relevance)
    assert list(got) == [*NAMES, "hard_accuracy"]
    assert got["hard_accuracy"] == pytest.approx(1 / 4)  # one of them is as near as the own positive


def test_intervals_are_those_of_sets_of_drawn_queries(several):
    queries, documents, relevance = several(5, 12, 30)
    scores = score(queries, documents, relevance)
    draws = bootstrap(scores, relevance, resamples=7, seed=11)
    drawn_rows = np.random.default_rng(11).integers(12, size=(7, 12))
    for number, rows in enumerate(drawn_rows):
        drawn = Relevance.of(
            [relevance.relevant_to(row).tolist() for row in rows],
            num_documents=30,
            hard_negatives=[relevance.hard_for(row).tolist() for row in rows],
        )
        expected = values(score(queries[rows], documents, drawn), drawn)
        for name, value in expected.items():
            assert draws[name][number] == pytest.approx(value, abs=1e-9), name


def test_the_seed_fixes_the_intervals_and_the_values_lie_in_them(several):
    _, _, relevance = made = several(6, 80, 60)
    scores = score(*made)
    first, again = (measure(scores, relevance, resamples=200, seed=3) for _ in range(2))
    other = measure(scores, relevance, resamples=200, seed=4)
    assert first == again
    assert first["margin"].value == other["margin"].value
    assert first["margin"].low != other["margin"].low
    for name, (value, low, high) in first.items():
        assert low < value < high, name


def test_a_share_has_the_interval_of_the_same_draws(several):
    _, _, relevance = made = several(7, 90, 60)
    scores = score(*made)
    assert share(scores.own_similarities) == pytest.approx(measure(scores, relevance)["own_mean"])
    assert np.isnan(share(np.ones(1))[1:]).all()


@pytest.mark.parametrize(("num_queries", "low"), [(2, 0.158), (20, 0.832), (500, 0.9926)])
def test_that_all_queries_agree_proves_no_more_than_so_many_can(num_queries, low):
    vectors = np.eye(num_queries, dtype=np.float32)
    relevance, wrong = (
        Relevance.diagonal(num_queries),
        Relevance.of(np.roll(np.arange(num_queries), 1)[:, None].tolist(), num_documents=num_queries),
    )
    found = measure(score(vectors, vectors, relevance), relevance)
    assert found["rank1_share"] == share(np.ones(num_queries)) == pytest.approx((1.0, low, 1.0), abs=1e-3)
    assert found["ndcg@10"] == found["rank1_share"]
    assert measure(score(vectors, vectors, wrong), wrong)["rank1_share"] == pytest.approx((0.0, 0.0, 1 - low), abs=1e-3)


def test_hard_negatives_of_few_queries_prove_what_so_few_can():
    relevance = Relevance.of([[row] for row in range(100)], num_documents=100, hard_negatives=[[1]] + [[]] * 99)
    vectors = np.eye(100, dtype=np.float32)
    assert measure(score(vectors, vectors, relevance), relevance)["hard_accuracy"] == pytest.approx((1.0, 0.025, 1.0))


def test_many_positives_that_all_stand_first_are_all_there_is():
    documents = np.concatenate([np.eye(30), np.tile(np.eye(30), (9, 1))]).astype(np.float32)
    relevance = Relevance.of([[query + 30 * copy for copy in range(10)] for query in range(30)], num_documents=300)
    found = measure(score(documents[:30], documents, relevance), relevance)
    assert found["ndcg@10"] == found["recall@10"] == found["map@100"]
    assert found["ndcg@10"].low == pytest.approx(0.884, abs=1e-3)


def test_changed_queries_are_counted_for_each_measure(several):
    queries, documents, relevance = several(8, 40, 60)
    other = queries.copy()
    other[:3] = -other[:3]
    changed = num_changed(score(queries, documents, relevance), score(other, documents, relevance), relevance)
    assert changed["margin"] == changed["own_mean"] == 3
    assert changed["mrr@10"] <= 3
    assert changed["recall@50"] <= 3


def test_an_interval_is_the_middle_95_percent_of_the_draws_that_can_be_had():
    draws = np.append(np.arange(1001.0), [np.nan, np.inf])
    assert with_interval(400.0, draws) == (400.0, 25.0, 975.0)
    assert np.isnan(with_interval(400.0, draws[-2:])[1:]).all()


def test_intervals_hold_the_truth_about_19_times_of_20():
    random = np.random.default_rng(0)
    own, others = 0.6, 0.2
    held = 0
    for _ in range(100):
        kinds = random.random(60) < own  # a query finds its document first, or else the one of the next query
        degrees = np.arange(60) * 6.0
        asked = vectors(*(degrees + np.where(kinds, others, 6 - others)))
        relevance = Relevance.diagonal(60)
        _, low, high = measure(score(asked, vectors(*degrees), relevance), relevance, resamples=200)["rank1_share"]
        held += low <= own <= high
    assert 88 <= held <= 99


def test_equal_vectors_have_no_margin_and_no_separation(collapsed):
    got = measure(score(*collapsed), collapsed.relevance)
    for name in ("margin", "separation", "separation_rss", "rank1_share", "rank1_gap", "mrr@10", "recall@10"):
        assert got[name].value == pytest.approx(0.0, abs=1e-6), name
    assert got["own_mean"].value == pytest.approx(1.0)


def test_sides_without_deviation_are_far_apart_and_not_infinitely():
    vectors = np.eye(12, dtype=np.float32)
    got = measure(score(vectors, vectors, Relevance.diagonal(12)), Relevance.diagonal(12))
    assert got["separation"].value == pytest.approx(1e6)


def test_one_query_has_no_interval():
    relevance = Relevance.of([[0]], num_documents=3)
    got = measure(score(vectors(0), vectors(0, 60, 120), relevance), relevance)
    assert got["rank1_share"].value == 1.0
    assert all(np.isnan([low, high]).all() for _, low, high in got.values())


def test_one_document_has_nothing_to_be_ranked_against():
    relevance = Relevance.of([[0], [0]], num_documents=1)
    got = measure(score(vectors(0, 50), vectors(0), relevance), relevance)
    known = {name for name, (value, _, _) in got.items() if np.isfinite(value)}
    assert known == {"positive_mean", "positive_std", "own_mean"}
    assert np.isfinite(got["own_mean"]).all()


def test_no_draw_is_refused(planted):
    with pytest.raises(InputError, match="There are 0 bootstrap draws, expected at least 1"):
        measure(score(*planted), planted.relevance, resamples=0)
