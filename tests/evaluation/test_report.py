"""A report is plain JSON that says which queries went wrong and why."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kat_ray.evaluation.checklist import judge
from kat_ray.evaluation.comparison import compare
from kat_ray.evaluation.measures import Measure, measure
from kat_ray.evaluation.rarity import Rarity, RarityChange, RarityComparison
from kat_ray.evaluation.relevance import EvaluationSet, Reject, Relevance
from kat_ray.evaluation.report import Near, Report, as_dict, comparison_as_dict, rarity_as_dict, worst_queries
from kat_ray.evaluation.scores import score
from kat_ray.geometry.weights import WeightConfig

TEXTS = EvaluationSet(
    ("first", "second", "third"),
    ("a", "b", "c", "d"),
    Relevance.of([[0], [1], [2, 3]], num_documents=4, hard_negatives=[[3], [], [0]]),
    {"query is empty": 2},
    (Reject(2, "query is empty"), Reject(3, "query is empty")),
    num_rows=5,
    contradictions=1,
)


@pytest.fixture
def report() -> Report:
    """The first query has its document at rank 1, the second at rank 4, the third at rank 2 behind a hard negative."""
    documents = np.eye(4, dtype=np.float32)
    queries = np.array([[9, 3, 2, 1], [3, 1, 2, 4], [5, 1, 4, 2]], np.float32)
    scores = score(queries, documents, TEXTS.relevance)
    measures = measure(scores, TEXTS.relevance)
    details = {"dimension": 4, "seconds": float("nan")}
    return Report(
        "toy", TEXTS.relevance, scores, measures, judge(measures, None, TEXTS.relevance.num_queries), TEXTS, details
    )


def test_the_worst_queries_come_first_with_what_beat_them(report):
    worst = worst_queries(report.scores, TEXTS.relevance)
    assert [(one.query, one.rank, one.relevant.row) for one in worst] == [(1, 4, 1), (2, 2, 2)]
    assert [near.row for near in worst[0].beaten_by] == [3, 0, 2]
    assert worst[1].beaten_by == (Near(0, pytest.approx(5 / np.sqrt(46))),)
    assert worst[1].relevant.similarity == pytest.approx(4 / np.sqrt(46))
    assert worst_queries(report.scores, TEXTS.relevance, count=1) == worst[:1]


def test_of_equal_ranks_the_query_that_is_farther_behind_is_worse():
    relevance = Relevance.of([[0], [0]], num_documents=2)
    scores = score(np.array([[8, 9], [1, 9]], np.float32), np.eye(2, dtype=np.float32), relevance)
    assert [one.query for one in worst_queries(scores, relevance)] == [1, 0]


def test_without_a_failure_no_query_is_worst(planted):
    assert worst_queries(score(*planted), planted.relevance) == []


def test_a_report_is_json_without_nan(report):
    told = json.loads(json.dumps(as_dict(report), allow_nan=False))
    assert told["encoder"] == "toy"
    assert told["verdict"] == report.judgment.verdict == "not ready"
    assert [item["name"] for item in told["checklist"]] == [item.name for item in report.judgment.items]
    assert told["checklist"][2]["value"] is None
    assert told["measures"]["margin"]["value"] == report.measures["margin"].value
    assert told["details"] == {"dimension": 4, "seconds": None}
    assert told["data"] == {
        "queries": 3,
        "documents": 4,
        "relevant": 4,
        "hard_negatives": 2,
        "rows": 5,
        "rejects": {"query is empty": 2},
        "first_rejected_rows": [2, 3],
        "contradictions": 1,
    }


def test_worst_queries_are_told_with_their_texts(report):
    second, third = as_dict(report)["worst_queries"]
    assert (second["text"], second["rank"], second["relevant"]["text"]) == ("second", 4, "b")
    assert [near["text"] for near in second["beaten_by"]] == ["d", "a", "c"]
    assert [near["is_hard_negative"] for near in second["beaten_by"]] == [False] * 3
    assert third["beaten_by"][0]["is_hard_negative"] is True
    assert len(as_dict(report, num_worst=1)["worst_queries"]) == 1


def test_ready_vectors_have_numbers_in_place_of_texts(chance):
    scores = score(*chance)
    measures = measure(scores, chance.relevance)
    told = as_dict(Report("file.pt", chance.relevance, scores, measures, judge(measures, None, 60)))
    json.dumps(told, allow_nan=False)
    assert "rows" not in told["data"]
    assert set(told["worst_queries"][0]) == {"query", "rank", "relevant", "beaten_by"}
    assert set(told["worst_queries"][0]["relevant"]) == {"document", "similarity"}


def test_a_comparison_is_json_that_says_which_differences_count(planted, chance):
    told = comparison_as_dict("new", "old", compare(score(*planted), score(*chance), planted.relevance))
    json.dumps(told, allow_nan=False)
    assert (told["encoder"], told["baseline"]) == ("new", "old")
    assert sum(told["queries"].values()) == 60
    assert told["differences"]["margin"]["different"] is True
    assert set(told["differences"]["margin"]) == {"value", "low", "high", "different"}


def test_who_is_rare_is_plain_json_too():
    change = RarityChange(Measure(0.5, 0.4, 0.6), Measure(0.3, float("nan"), float("nan")))
    rarity = Rarity(50, 100, 10, WeightConfig(cap=9.0), (RarityComparison("new", "old", change),))
    found = json.loads(json.dumps(rarity_as_dict(rarity), allow_nan=False))
    assert (found["num_prompts"], found["of_prompts"], found["weighting"]["cap"]) == (50, 100, 9.0)
    assert found["comparisons"] == [
        {
            "encoder": "new",
            "baseline": "old",
            "rank_correlation": {"value": 0.5, "low": 0.4, "high": 0.6},
            "top_decile_overlap": {"value": 0.3, "low": None, "high": None},
        }
    ]
