"""What is good: the thresholds of the checklist, its seven items, the advice along the decision path, the verdict.

Knows measures, and how well a map keeps queries near their positives; nothing of vectors, texts or files. All numbers
that a verdict depends on stand here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from kat_ray.evaluation.measures import Measure

Band = Literal["good", "fair", "bad"]
Verdict = Literal["ready", "not ready", "undecided"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """One line of the checklist: which measure, and from where on it is good or bad."""

    name: str
    title: str
    subject: str
    """How a sentence begins."""
    measure: str | None
    """Key of the measure; None for the clustering of the map."""
    relation: Literal[">", "<"]
    """The value passes when it is above, or below, `good`."""
    good: float
    bad: float
    """Beyond it the value is bad; fair is what lies between."""
    form: str = ".3f"


CHECKLIST = (
    Threshold("margin", "Distribution: margin", "The margin", "margin", ">", 0.25, 0.15),
    Threshold("separation", "Distribution: separation", "The separation", "separation", ">", 2.0, 1.5, ".2f"),
    Threshold(
        "clustering", "t-SNE/UMAP: clustering", "Own positives near their query in the map:", None, ">", 0.7, 0.4, ".1%"
    ),
    Threshold("diagonal", "Heat map: diagonal", "Similarity with the own positive", "own_mean", ">", 0.8, 0.6),
    Threshold("off_diagonal", "Heat map: off-diagonal", "Similarity with others", "negative_mean", "<", 0.6, 0.8),
    Threshold("rank1_share", "Top-K: rank 1", "Positives at rank 1:", "rank1_share", ">", 0.85, 0.5, ".1%"),
    Threshold("rank1_gap", "Top-K: gap of rank 1 to 2", "The gap of rank 1 to 2", "rank1_gap", ">", 0.1, 0.05),
)
"""The seeds' seven items. Theirs are all `good` values but that of clustering, and `bad` of margin, separation and
diagonal; the others are ours."""

TRAIN_MORE_BELOW = 0.2
"""A margin below asks for more training (the seeds' decision path)."""

FEWEST_QUERIES = 20
"""Fewer prove nothing, whatever they pass."""

_RANKING_WORKS = "yet positives stand first: ranking works, a fixed threshold would not."
_UNKNOWN = {
    "clustering": "it needs a map of 20 documents or more",
    "rank1_gap": "there is no other document to compare with",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist, filled in. What cannot be had is None: undecided, never passed."""

    name: str
    title: str
    value: float | None
    low: float | None
    high: float | None
    relation: Literal[">", "<"]
    threshold: float
    passed: bool | None
    band: Band | None
    sentence: str

    @property
    def is_near(self) -> bool:
        """Whether other queries could turn it: the interval reaches over the threshold."""
        return self.low is not None and self.high is not None and self.low <= self.threshold <= self.high


@dataclass(frozen=True, slots=True)
class Judgment:
    """The seven items in the seeds' order, one advice for each step of the decision path, and what follows."""

    items: tuple[Item, ...]
    advice: tuple[str, ...]
    verdict: Verdict
    reason: str


def judge(measures: Mapping[str, Measure], clustering: Measure | None, num_queries: int) -> Judgment:
    """Hold the measures against the checklist.

    `clustering` is the share of queries that have their own positive near in the 2-D map (`maps.clustering`);
    None without a map. The verdict is "ready" when all seven pass, "not ready" when any fails, and otherwise
    "undecided". Values decide, not intervals; sentences tell where an interval reaches over the threshold.
    """
    in_map = clustering or Measure(math.nan, math.nan, math.nan)
    items = tuple(_item(line, in_map if line.measure is None else measures[line.measure]) for line in CHECKLIST)
    verdict, reason = _verdict(items, num_queries)
    if num_queries < FEWEST_QUERIES:
        reason += f" Few queries prove little; take {FEWEST_QUERIES} or more."
    return Judgment(items, _advice({item.name: item for item in items}, verdict, num_queries), verdict, reason)


def _item(line: Threshold, measure: Measure) -> Item:
    value, low, high = (number if math.isfinite(number) else None for number in measure)
    if value is None:
        why = _UNKNOWN.get(line.name, "there is nothing to compare with")
        sentence = f"{line.title} cannot be told: {why}."
        return Item(line.name, line.title, None, None, None, line.relation, line.good, None, None, sentence)
    sign = 1.0 if line.relation == ">" else -1.0
    passed = sign * value > sign * line.good
    band: Band = "good" if passed else "bad" if sign * value < sign * line.bad else "fair"
    where = ("above" if sign > 0 else "below") if passed else ("not above" if sign > 0 else "not below")
    sentence = f"{line.subject} {value:{line.form}}, {where} {line.good:{_short(line)}}: {band}."
    item = Item(line.name, line.title, value, low, high, line.relation, line.good, passed, band, sentence)
    if not item.is_near:
        return item
    within = f"{low:{line.form}} to {high:{line.form}}"
    return replace(item, sentence=f"{sentence} The interval, {within}, reaches over it: more queries would tell.")


def _short(line: Threshold) -> str:
    return ".0%" if line.form.endswith("%") else "g"


def _verdict(items: tuple[Item, ...], num_queries: int) -> tuple[Verdict, str]:
    failed = [item.title for item in items if item.passed is False]
    unknown = [item.title for item in items if item.passed is None]
    near = [item.title for item in items if item.is_near]
    if failed:
        return "not ready", f"{len(failed)} of {len(items)} items fail: {'; '.join(failed)}."
    if unknown:
        return "undecided", f"No item fails, but {len(unknown)} cannot be told: {'; '.join(unknown)}."
    if num_queries < FEWEST_QUERIES:
        return "undecided", f"All {len(items)} items pass, for what that is worth."
    if near:
        return "ready", f"All {len(items)} items pass, but more queries may change this: {'; '.join(near)}."
    return "ready", f"All {len(items)} items pass."


def _advice(items: Mapping[str, Item], verdict: Verdict, num_queries: int) -> tuple[str, ...]:
    """The seeds' path: distribution, map, heat map, top-K."""
    return (
        f"Distribution: {_margin_advice(items['margin'], items['separation'])}",
        f"t-SNE/UMAP: {_clustering_advice(items['clustering'].passed)}",
        f"Heat map: {_diagonal_advice(items)}",
        f"Top-K: {_rank_advice(items['rank1_share'].passed, verdict, num_queries)}",
    )


def _margin_advice(margin: Item, separation: Item) -> str:
    if margin.value is None:
        return "without other documents there is no margin; add some."
    apart = ", though deviations are small too and the separation passes" if separation.passed else ""
    if margin.value < TRAIN_MORE_BELOW:
        return f"the margin is below {TRAIN_MORE_BELOW:g}: train more{apart}."
    if not margin.passed:
        between = f"between {TRAIN_MORE_BELOW:g} and {margin.threshold:g}"
        return f"the margin lies {between}: a little more training may do{apart}."
    if not separation.passed:
        return "the margin is wide, but deviations are as wide: many positives lie among others; see the worst queries."
    return "positives and others stand apart: go on."


def _clustering_advice(passed: bool | None) -> str:
    if passed is None:
        return "no map was drawn, or one of fewer than 20 documents, which tells nothing."
    if not passed:
        return "queries do not stand near their positives: a dataset issue, the model's, or the map's (see its trust)."
    return "queries stand near their positives: good."


def _diagonal_advice(items: Mapping[str, Item]) -> str:
    diagonal, others, first = (items[name] for name in ("diagonal", "off_diagonal", "rank1_share"))
    if diagonal.passed:
        return _bright_advice(others.passed, first.passed)
    if first.passed:
        return f"the diagonal is not bright, {_RANKING_WORKS}"
    if diagonal.band == "fair" and others.passed:
        return "the diagonal is neither dim nor bright: positives could be nearer."
    return "the diagonal is dim: the model is not learning the positives, or has not yet."


def _bright_advice(are_others_dim: bool | None, is_first: bool | None) -> str:
    if are_others_dim is False:
        return f"all of it is bright, {_RANKING_WORKS}" if is_first else "all of it is bright: any two texts are alike."
    if is_first is False:
        return "the diagonal is bright, but some others are brighter: see the worst queries."
    return "the diagonal is bright: retrieval works."


def _rank_advice(passed: bool | None, verdict: Verdict, num_queries: int) -> str:
    if passed is None:
        return "there is nothing to rank against; add documents."
    if num_queries < FEWEST_QUERIES:
        return "too few queries to deploy or to retrain by."
    if not passed:
        return "positives do not stand first: retrain or tune, beginning with the worst queries."
    if verdict == "ready":
        return "positives stand first: deploy."
    return "positives stand first: deploy once the other items are settled."
