"""What the plots of the page are drawn from, as JSON: points, cells, bars, and the texts that they stand for.

Knows scores and labels; nothing of markup. Large sets are thinned out: a page shows some of the queries, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Int64Vector
from kat_ray.evaluation.excerpts import BLOCK_ROWS, Block, Spread, bars, examples, is_relevant, spread
from kat_ray.evaluation.labels import Labels, one_line
from kat_ray.evaluation.maps import DrawnMap, Maps
from kat_ray.evaluation.report import Report
from kat_ray.evaluation.retrieval import best_ranks
from kat_ray.evaluation.scores import Scores

MOST_QUERIES = 1000
"""Queries of a page; a browser draws their points and lines at once."""

_MOST_OTHERS = 1000  # documents of the maps that are no shown query's own positive
_TEXT_CHARACTERS = 280
_DIGITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """One encoder on one set: the numbers, and what the plots show besides."""

    report: Report
    maps: Maps
    block: Block
    """Of the first queries: `similarity_block(query_vectors, document_vectors, relevance)`."""


class _Texts:
    """Each text once, by number: encoders share the texts of their set."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbers(self, texts: Iterable[str]) -> list[int]:
        """Numbers of the texts as they are shown."""
        return [self._numbers.setdefault(one_line(text, _TEXT_CHARACTERS), len(self._numbers)) for text in texts]

    def all(self) -> list[str]:
        """Texts by number."""
        return list(self._numbers)


def page_json(evaluations: Sequence[Evaluated]) -> str:
    """All data of a page as JSON that may stand in a script element: ASCII, without < > or &."""
    texts = _Texts()
    found = [_evaluation(evaluated, texts) for evaluated in evaluations]
    data = {"texts": texts.all(), "evaluations": found}
    plain = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        plain = plain.replace(letter, f"\\u{ord(letter):04x}")
    return plain


def _evaluation(evaluated: Evaluated, texts: _Texts) -> dict[str, Any]:
    """Lists are in the order of the shown queries; documents are told by their place in `documents`."""
    report, maps, block = evaluated.report, evaluated.maps, evaluated.block
    scores, relevance, labels = report.scores, report.relevance, Labels.of(report.texts)
    picked = examples(scores, relevance)
    shown = _shown_queries(relevance.num_queries, picked)
    on_map = _documents_on_map(relevance.num_documents, relevance.own_rows[shown])
    top = scores.top_rows[shown]
    documents = np.concatenate([on_map, np.setdiff1d(top, on_map)])
    place = {row: number for number, row in enumerate(documents.tolist())}
    is_positive = np.isin(documents, relevance.rows)
    return {
        "name": one_line(report.name, _TEXT_CHARACTERS),
        "numQueries": relevance.num_queries,
        "numDocuments": relevance.num_documents,
        "rows": shown.tolist(),
        "queries": texts.numbers(labels.query(row) for row in shown.tolist()),
        "own": [place[row] for row in relevance.own_rows[shown].tolist()],
        "similarity": _rounded(scores.own_similarities[shown]),
        "rank": best_ranks(scores.ranks, relevance.offsets)[shown].tolist(),
        "top": [[place[row] for row in rows] for rows in top.tolist()],
        "topSimilarity": _rounded(scores.top_similarities[shown]),
        "topRight": is_relevant(relevance, shown, top).astype(int).tolist(),
        "examples": np.searchsorted(shown, picked).tolist(),
        "documents": texts.numbers(labels.document(row) for row in documents.tolist()),
        "positive": is_positive.astype(int).tolist(),
        "maps": {
            "tsne": _points(maps.tsne, relevance.num_queries, shown, on_map),
            "umap": _points(maps.umap, relevance.num_queries, shown, on_map),
        },
        "heat": {
            "similarity": _rounded(block.similarities),
            "right": block.relevant.astype(int).tolist(),
        },
        **_distribution(scores),
    }


def _shown_queries(num_queries: int, picked: Int64Vector) -> Int64Vector:
    """Ascending rows: the first ones, which the heat map has, the examples, and of the rest as many as may be."""
    first = np.arange(min(num_queries, BLOCK_ROWS))
    spaced = np.linspace(0, num_queries - 1, min(num_queries, MOST_QUERIES)).astype(np.int64)
    return np.unique(np.concatenate([first, picked, spaced]))


def _documents_on_map(num_documents: int, own: Int64Vector) -> Int64Vector:
    """Own positives of the shown queries, then of the others as many as may be, evenly."""
    own = np.unique(own)
    others = np.setdiff1d(np.arange(num_documents), own)
    spaced = np.linspace(0, len(others) - 1, min(len(others), _MOST_OTHERS)).astype(np.int64)
    return np.concatenate([own, others[spaced]])


def _points(
    drawn: DrawnMap | None, num_queries: int, shown: Int64Vector, on_map: Int64Vector
) -> dict[str, list[Any]] | None:
    """x and y of the shown queries and of the first documents of the list."""
    if drawn is None:
        return None
    points = drawn.points
    return {"queries": _rounded(points[shown].T), "documents": _rounded(points[num_queries + on_map].T)}


def _distribution(scores: Scores) -> dict[str, Any]:
    counts = scores.positive_histogram, scores.negative_histogram
    shares = bars(*counts)
    return {
        "bars": {"edges": _rounded(shares.edges), "shares": [shares.positive.tolist(), shares.negative.tolist()]},
        "boxes": [_box(spread(counts[0], scores.positive)), _box(spread(counts[1], scores.negative))],
    }


def _box(found: Spread | None) -> dict[str, float] | None:
    return None if found is None else {name: round(value, _DIGITS) for name, value in found._asdict().items()}


def _rounded(values: NDArray[Any]) -> list[Any]:
    return np.round(values.astype(np.float64), _DIGITS).tolist()  # type: ignore[no-any-return]
