"""The text of a report can be pasted anywhere, whatever the texts of the set are."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest

from kat_ray.evaluation.card import render_comparison, render_overview, render_rarity, render_report
from kat_ray.evaluation.checklist import judge
from kat_ray.evaluation.comparison import compare
from kat_ray.evaluation.measures import Measure, measure
from kat_ray.evaluation.rarity import Rarity, RarityChange, RarityComparison
from kat_ray.evaluation.relevance import EvaluationSet, Relevance
from kat_ray.evaluation.report import Report
from kat_ray.evaluation.scores import score
from kat_ray.geometry.weights import WeightConfig

HOSTILE = "\x1b[31mred\x07 \u202ereversed\r\nline " + "漢字" * 60


def report_of(made, name: str = "encoder", texts: EvaluationSet | None = None, **details: object) -> Report:
    scores = score(*made)
    measures = measure(scores, made.relevance, resamples=50)
    return Report(
        name, made.relevance, scores, measures, judge(measures, None, made.relevance.num_queries), texts, details
    )


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in line)


def test_the_first_line_is_the_verdict_and_the_second_its_reason(planted, chance):
    assert render_report(report_of(planted)).splitlines()[:2] == [
        "encoder: UNDECIDED",
        "No item fails, but 1 cannot be told: t-SNE/UMAP: clustering.",
    ]
    assert render_report(report_of(chance, "by chance")).startswith("by chance: NOT READY\n5 of 7 items fail:")


def test_the_statistics_of_the_seeds_are_printed_as_measured(planted):
    report = report_of(planted)
    text = render_report(report)
    value = {name: measured.value for name, measured in report.measures.items()}
    for side in ("positive", "negative"):
        (numbers,) = re.findall(rf"^{side.title()}: +(\S+) ± (\S+)$", text, re.MULTILINE)
        assert [float(number) for number in numbers] == pytest.approx(
            [value[f"{side}_mean"], value[f"{side}_std"]], abs=1e-4
        )
    assert float(re.search(r"^Margin: +(\S+)$", text, re.MULTILINE)[1]) == pytest.approx(value["margin"], abs=1e-4)
    assert f"Separation: {value['separation']:.2f}σ (over the sum of deviations)" in text
    assert f"{value['separation_rss']:.2f}σ (over their root sum of squares)" in text
    assert "Every query has a relevant document at rank 1." in text


def test_every_item_advice_and_measure_is_there(chance):
    report = report_of(chance, seconds=1.23456789, revision=None)
    text = render_report(report)
    assert [item.title for item in report.judgment.items if item.title not in text] == []
    assert [step for step in report.judgment.advice if step not in re.sub(r"\n +", " ", text)] == []
    assert [name for name in report.measures if f"  {name} " not in text] == []
    assert re.search(r"^  FAIL +Top-K: rank 1 .* > 0\.85$", text, re.MULTILINE)
    assert re.search(r"^  \? +t-SNE/UMAP: clustering +-  - +> 0\.7$", text, re.MULTILINE)
    assert re.search(r"^seconds +1\.235$", text, re.MULTILINE)
    assert re.search(r"^revision +-$", text, re.MULTILINE)


def test_what_other_queries_could_turn_is_marked(several):
    text = render_report(report_of(several(9, 6, 30)))
    assert re.search(r"^  (pass|FAIL) .* > 0\.\d+ ~$", text, re.MULTILINE)
    assert "~ the interval reaches over the threshold" in text


def test_several_encoders_have_a_line_each(planted, chance):
    head, first, second = render_overview([report_of(planted, "good"), report_of(chance, "by 漢字" * 20)]).splitlines()
    assert head.split() == ["encoders", "verdict", "items", "rank", "1", "MRR@10", "margin"]
    assert first.split()[:4] == ["good", "undecided", "6/7", "1.0000"]
    assert columns(first) == columns(second) == columns(head) == 72


@pytest.fixture
def hostile(several) -> Report:
    made = several(1, 30, 40)
    texts = EvaluationSet(
        tuple(f"{number} {HOSTILE}" for number in range(30)),
        tuple(f"{number} {HOSTILE}" for number in range(40)),
        made.relevance,
        {"query is empty": 1234},
        num_rows=10**9,
        contradictions=3,
    )
    return report_of(made, HOSTILE, texts, where=HOSTILE)


def test_no_line_is_wider_than_80_columns_and_no_text_is_obeyed(hostile, several):
    other = report_of(several(2, 30, 40)._replace(relevance=hostile.relevance), HOSTILE)
    comparison = compare(hostile.scores, other.scores, hostile.relevance, resamples=50)
    for text in (render_report(hostile), render_comparison(hostile, other, comparison)):
        assert max(map(columns, text.splitlines())) <= 80
        assert all(mark.isprintable() for mark in text if mark != "\n")
        assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_worst_queries_show_what_stands_before_their_document(hostile):
    text = render_report(hostile, num_worst=3)
    joined = " ".join(text.split())
    worst = text.partition("worst queries\n")[2]
    assert len(re.findall(r"^  query \d+: \d+ .*red", worst, re.MULTILINE)) == 3
    assert all(int(number) == int(text) + 1 for number, text in re.findall(r"query (\d+): (\d+) ", worst))
    assert len(re.findall(r"^    rank 1( hard)? +-?0\.\d{3}  \d+ .*red", worst, re.MULTILINE)) == 3
    assert len(re.findall(r"^    rank \d+ own +-?0\.\d{3}  \d+ .*red", worst, re.MULTILINE)) == 3
    assert "1,234 of 1,000,000,000 rows refused: 1,234 x query is empty" in joined
    assert "3 hard negatives of a query that is also its positive" in joined


def test_hard_negatives_among_them_are_marked():
    relevance = Relevance.of([[0]], num_documents=2, hard_negatives=[[1]])
    scores = score(np.array([[1, 2]], np.float32), np.eye(2, dtype=np.float32), relevance)
    measures = measure(scores, relevance)
    text = render_report(Report("x", relevance, scores, measures, judge(measures, None, 1)))
    assert "    rank 1 hard      0.894  document 2\n    rank 2 own       0.447  document 1" in text
    assert "1 query, 2 documents, 1 relevant, 1 hard negative" in text


def test_a_comparison_marks_differences_that_other_queries_would_show_too(planted, chance):
    good, bad = report_of(planted, "good"), report_of(chance, "bad")
    text = render_comparison(good, bad, compare(good.scores, bad.scores, planted.relevance))
    assert text.startswith("good\nagainst bad\nA relevant document comes earlier for ")
    assert re.search(r"^margin +-?0\.\d+ +0\.\d+ +\+0\.\d+  \+0\.\d+ to \+0\.\d+ \*$", text, re.MULTILINE)
    same = render_comparison(good, good, compare(good.scores, good.scores, planted.relevance))
    assert "for 0 queries, later for 0, at the same rank for 60." in same.replace("\n  ", " ")
    assert not re.search(r"\*$", same.rpartition("\n")[0], re.MULTILINE)


def test_without_worst_queries_no_text_of_the_set_is_told(hostile):
    assert "red" in render_report(hostile).partition("measures")[2]
    text = render_report(hostile, num_worst=0)
    assert text.rstrip().splitlines()[-1].startswith("  hard_accuracy")
    assert "red" not in text.partition("checklist")[2]


def test_who_is_rare_is_told_in_two_numbers_with_their_intervals():
    change = RarityChange(Measure(0.81234, 0.7, 0.9), Measure(float("nan"), float("nan"), float("nan")))
    rarity = Rarity(500, 20_000, 10, WeightConfig(power=4.0), (RarityComparison("new", HOSTILE, change),))
    text = render_rarity(rarity)
    assert text.startswith("Who is rare: weights of 500 of 20,000 prompts, over 10 neighbors")
    assert re.search(r"^new\nagainst .*red", text, re.MULTILINE)
    assert re.search(r"^  rank correlation of the weights +0\.8123  0\.7000 to 0\.9000$", text, re.MULTILINE)
    assert re.search(r"^  share of the rarest tenth kept +-  -$", text, re.MULTILINE)
    assert max(map(columns, text.splitlines())) <= 80
