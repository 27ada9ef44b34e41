"""A good set passes all seven items, a bad one fails, and what cannot be told passes nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kat_ray.evaluation.checklist import CHECKLIST, judge
from kat_ray.evaluation.measures import Measure, measure
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import score

GOOD = {"margin": 0.4, "separation": 3.0, "own_mean": 0.9, "negative_mean": 0.5, "rank1_share": 0.95, "rank1_gap": 0.3}


def judged(clustering: float | None = 1.0, **changed: float):
    wide = {name: Measure(value, value - 1e-3, value + 1e-3) for name, value in (GOOD | changed).items()}
    return judge(wide, None if clustering is None else alone(clustering), 500)


def alone(value: float) -> Measure:
    """Without an interval."""
    return Measure(value, math.nan, math.nan)


def item(name: str, **changed: float):
    return next(item for item in judged(**changed).items if item.name == name)


def test_a_good_encoder_passes_all_seven_items(planted):
    judgment = judge(measure(score(*planted), planted.relevance), alone(1.0), 60)
    assert [item.name for item in judgment.items] == [
        "margin", "separation", "clustering", "diagonal", "off_diagonal", "rank1_share", "rank1_gap",
    ]  # fmt: skip
    assert all(item.passed and item.band == "good" for item in judgment.items)
    assert judgment.verdict == "ready"
    assert "All 7 items pass" in judgment.reason
    assert "deploy" in judgment.advice[-1]


def test_vectors_by_chance_fail_all_but_what_asks_others_to_be_far(chance):
    judgment = judge(measure(score(*chance), chance.relevance), alone(10 / 60), 60)
    assert {item.name for item in judgment.items if item.passed} == {"off_diagonal"}
    assert judgment.verdict == "not ready"
    assert judgment.reason.startswith("6 of 7 items fail: Distribution: margin;")
    for word, step in zip(("train more", "dataset", "not learning", "retrain"), judgment.advice, strict=True):
        assert word in step


def test_one_vector_for_every_text_is_not_ready(collapsed):
    judgment = judge(measure(score(*collapsed), collapsed.relevance), None, 60)
    assert {item.name: item.passed for item in judgment.items} == {
        "margin": False,
        "separation": False,
        "clustering": None,
        "diagonal": True,
        "off_diagonal": False,
        "rank1_share": False,
        "rank1_gap": False,
    }
    assert judgment.verdict == "not ready"


@pytest.mark.parametrize("clustering", [None, math.nan])
def test_without_a_map_nothing_is_decided_and_nothing_passed(clustering):
    judgment = judged(clustering)
    assert judgment.verdict == "undecided"
    assert judgment.reason == "No item fails, but 1 cannot be told: t-SNE/UMAP: clustering."
    assert judgment.items[2].value is judgment.items[2].passed is judgment.items[2].band is None
    assert "needs a map of 20 documents" in judgment.items[2].sentence
    assert "no map was drawn" in judgment.advice[1]


def test_one_document_decides_nothing():
    vectors = np.ones((4, 3), np.float32)
    relevance = Relevance.of([[0]] * 4, num_documents=1)
    judgment = judge(measure(score(vectors, vectors[:1], relevance), relevance), None, 4)
    assert {item.name for item in judgment.items if item.passed is not None} == {"diagonal"}
    assert judgment.verdict == "undecided"
    assert "nothing to rank against" in judgment.advice[-1]


def test_one_query_decides_nothing_though_all_items_pass():
    vectors = np.eye(3, dtype=np.float32)
    relevance = Relevance.of([[0]], num_documents=3)
    judgment = judge(measure(score(vectors[:1], vectors, relevance), relevance), alone(1.0), 1)
    assert all(item.passed for item in judgment.items)
    assert judgment.verdict == "undecided"
    assert "Few queries prove little; take 20 or more" in judgment.reason
    assert judgment.advice[-1] == "Top-K: too few queries to deploy or to retrain by."


@pytest.mark.parametrize(
    ("margin", "band", "advice"),
    [
        (0.10, "bad", "train more"),
        (0.16, "fair", "train more"),
        (0.20, "fair", "a little more"),
        (0.30, "good", "go on"),
    ],
)
def test_a_margin_has_three_bands_and_below_a_fifth_asks_for_training(margin, band, advice):
    assert item("margin", margin=margin).band == band
    assert advice in judged(margin=margin).advice[0]


@pytest.mark.parametrize(
    ("name", "measured", "values"),
    [
        ("separation", "separation", (1.4, 1.7, 2.1)),
        ("diagonal", "own_mean", (0.5, 0.7, 0.81)),
        ("off_diagonal", "negative_mean", (0.9, 0.7, 0.59)),
        ("rank1_share", "rank1_share", (0.4, 0.84, 0.86)),
        ("rank1_gap", "rank1_gap", (0.01, 0.09, 0.11)),
    ],
)
def test_values_are_bad_fair_or_good_and_only_good_passes(name, measured, values):
    found = [item(name, **{measured: value}) for value in values]
    assert [one.band for one in found] == ["bad", "fair", "good"]
    assert [one.passed for one in found] == [False, False, True]


@pytest.mark.parametrize("line", CHECKLIST, ids=lambda line: line.name)
def test_a_value_at_its_threshold_does_not_pass(line):
    found = judged(line.good) if line.measure is None else judged(**{line.measure: line.good})
    (at,) = [item for item in found.items if item.name == line.name]
    assert (at.passed, at.band) == (False, "fair")


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({}, "the diagonal is bright: retrieval works"),
        ({"own_mean": 0.59, "rank1_share": 0.8}, "not learning"),
        ({"own_mean": 0.6, "rank1_share": 0.8}, "could be nearer"),
        ({"own_mean": 0.59}, "ranking works"),
        ({"own_mean": 1.0, "negative_mean": 1.0, "rank1_share": 0.0}, "any two texts are alike"),
        ({"own_mean": 0.9, "negative_mean": 0.72, "rank1_share": 0.97}, "yet positives stand first"),
        ({"own_mean": 0.9, "rank1_share": 0.3}, "some others are brighter"),
        ({"own_mean": 0.7, "negative_mean": 0.7, "rank1_share": 0.0}, "not learning"),
    ],
)
def test_advice_on_the_diagonal_does_not_contradict_the_ranks(changed, advice):
    assert advice in judged(**changed).advice[2]


def test_advice_on_the_margin_looks_at_the_separation_too():
    assert "deviations are as wide" in judged(separation=1.5).advice[0]
    assert "though deviations are small too" in judged(margin=0.1).advice[0]
    assert judged(margin=0.1, separation=1.0).advice[0].endswith("train more.")


def test_a_few_queries_that_fail_prove_little_too():
    wide = {name: Measure(value, value - 1e-3, value + 1e-3) for name, value in (GOOD | {"margin": 0.1}).items()}
    judgment = judge(wide, alone(1.0), 19)
    assert judgment.verdict == "not ready"
    assert judgment.reason.endswith("Few queries prove little; take 20 or more.")


def test_sentences_give_value_threshold_and_band():
    assert item("margin").sentence == "The margin 0.400, above 0.25: good."
    assert item("off_diagonal", negative_mean=0.9).sentence == "Similarity with others 0.900, not below 0.6: bad."
    assert item("rank1_share", rank1_share=0.7).sentence == "Positives at rank 1: 70.0%, not above 85%: fair."


def test_a_pass_within_the_error_of_the_sample_is_told():
    near = judge(
        {name: Measure(value, value, value) for name, value in GOOD.items()} | {"margin": Measure(0.26, 0.23, 0.29)},
        alone(1.0),
        500,
    )
    assert near.verdict == "ready"
    assert near.reason == "All 7 items pass, but more queries may change this: Distribution: margin."
    assert "The interval, 0.230 to 0.290, reaches over it" in near.items[0].sentence


def test_good_ranks_alone_are_not_deployed():
    judgment = judged(margin=0.22)
    assert judgment.verdict == "not ready"
    assert judgment.advice[-1] == "Top-K: positives stand first: deploy once the other items are settled."
