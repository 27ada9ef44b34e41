"""One encoder on one set, all that was found: as values for JSON, and its worst queries with what beat them.

Knows scores, measures, judgments and texts; measures nothing. card.py writes the same as text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from kat_ray.evaluation.checklist import Judgment
from kat_ray.evaluation.comparison import Comparison, is_different
from kat_ray.evaluation.measures import Measure
from kat_ray.evaluation.rarity import Rarity
from kat_ray.evaluation.relevance import EvaluationSet, Relevance
from kat_ray.evaluation.retrieval import best_ranks
from kat_ray.evaluation.scores import Scores

_NUM_BEFORE = 3


class Near(NamedTuple):
    """A document and its similarity with a query."""

    row: int
    similarity: float


@dataclass(frozen=True, slots=True)
class WorstQuery:
    """A query whose relevant documents all stand behind another one; numbers are rows."""

    query: int
    rank: int
    """Place of its first relevant document, from 1."""
    relevant: Near
    """That document."""
    beaten_by: tuple[Near, ...]
    """The up to three nearest documents, all of them before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What is known of one encoder; `texts` is None for ready vectors."""

    name: str
    relevance: Relevance
    scores: Scores
    measures: Mapping[str, Measure]
    judgment: Judgment
    texts: EvaluationSet | None = None
    details: Mapping[str, str | float | None] = field(default_factory=dict)
    """More to tell, by name: dimensions, revision, trustworthiness of the maps, seconds."""


def worst_queries(scores: Scores, relevance: Relevance, count: int = 10) -> list[WorstQuery]:
    """The queries whose first relevant document stands farthest down, farthest first; none of those at rank 1.

    Of equal ranks the one first whose relevant document is the least similar against the nearest one.
    """
    best = best_ranks(scores.ranks, relevance.offsets)
    behind = scores.top_similarities[:, 0] - np.maximum.reduceat(scores.similarities, relevance.offsets[:-1])
    order = np.lexsort((np.arange(len(best)), -behind, -best))[:count]
    return [_worst(scores, relevance, int(query), int(best[query])) for query in order if best[query] > 1]


def as_dict(report: Report, *, num_worst: int = 10) -> dict[str, Any]:
    """All of a report in the types of JSON: NaN is None, texts are there where the report has them."""
    judgment = report.judgment
    return {
        "encoder": report.name,
        "verdict": judgment.verdict,
        "reason": judgment.reason,
        "checklist": [asdict(item) for item in judgment.items],
        "advice": list(judgment.advice),
        "measures": _measures(report.measures),
        "data": data(report),
        "details": {name: _number(value) for name, value in report.details.items()},
        "worst_queries": [
            _worst_as_dict(report, worst) for worst in worst_queries(report.scores, report.relevance, num_worst)
        ],
    }


def data(report: Report) -> dict[str, Any]:
    """What the encoder was evaluated on, in counts."""
    relevance, texts = report.relevance, report.texts
    counts: dict[str, Any] = {
        "queries": relevance.num_queries,
        "documents": relevance.num_documents,
        "relevant": len(relevance.rows),
        "hard_negatives": len(relevance.hard_rows),
    }
    if texts is not None:
        counts |= {
            "rows": texts.num_rows,
            "rejects": dict(texts.rejects),
            "first_rejected_rows": [reject.row for reject in texts.first_rejects],
            "contradictions": texts.contradictions,
        }
    return counts


def comparison_as_dict(name: str, baseline: str, comparison: Comparison) -> dict[str, Any]:
    """A comparison in the types of JSON; `different` says whether the interval leaves out 0."""
    differences = _measures(comparison.differences)
    for key, difference in comparison.differences.items():
        differences[key]["different"] = is_different(difference)
    counts = {"better": comparison.better, "worse": comparison.worse, "same": comparison.same}
    return {"encoder": name, "baseline": baseline, "queries": counts, "differences": differences}


def rarity_as_dict(rarity: Rarity) -> dict[str, Any]:
    """Who is rare, in the types of JSON."""
    shown = rarity._asdict()
    shown["weighting"] = asdict(rarity.weighting)
    shown["comparisons"] = [
        {"encoder": encoder, "baseline": baseline, **_measures(change._asdict())}
        for encoder, baseline, change in rarity.comparisons
    ]
    return shown


def _worst(scores: Scores, relevance: Relevance, query: int, rank: int) -> WorstQuery:
    own = slice(*relevance.offsets[query : query + 2])
    first = int(np.argmin(scores.ranks[own])) + own.start
    top = zip(scores.top_rows[query], scores.top_similarities[query], strict=True)
    before = [Near(int(row), float(similarity)) for row, similarity in top][: min(rank - 1, _NUM_BEFORE)]
    relevant = Near(int(relevance.rows[first]), float(scores.similarities[first]))
    return WorstQuery(query, rank, relevant, tuple(before))


def _worst_as_dict(report: Report, worst: WorstQuery) -> dict[str, Any]:
    shown: dict[str, Any] = {"query": worst.query, "rank": worst.rank}
    if report.texts is not None:
        shown["text"] = report.texts.queries[worst.query]
    shown["relevant"] = _near_as_dict(report, worst.relevant)
    hard = set(report.relevance.hard_for(worst.query).tolist())
    shown["beaten_by"] = [
        _near_as_dict(report, near) | {"is_hard_negative": near.row in hard} for near in worst.beaten_by
    ]
    return shown


def _near_as_dict(report: Report, near: Near) -> dict[str, Any]:
    text = {} if report.texts is None else {"text": report.texts.documents[near.row]}
    return {"document": near.row, "similarity": near.similarity, **text}


def _measures(measures: Mapping[str, Measure]) -> dict[str, dict[str, Any]]:
    return {
        name: {part: _number(number) for part, number in measure._asdict().items()}
        for name, measure in measures.items()
    }


def _number(value: str | float | None) -> str | float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
