"""Whole evaluations of small planted sets, with plain texts or with texts that try to be more than text."""

from __future__ import annotations

import numpy as np

from kat_ray.evaluation.checklist import judge
from kat_ray.evaluation.excerpts import similarity_block
from kat_ray.evaluation.maps import DrawnMap, Maps
from kat_ray.evaluation.measures import measure, share
from kat_ray.evaluation.page_data import Evaluated
from kat_ray.evaluation.relevance import EvaluationSet, Relevance
from kat_ray.evaluation.report import Report
from kat_ray.evaluation.scores import score

MARK = "window.__hostile=1"
HOSTILE = (
    f"<img src=x onerror='{MARK}'>",
    f"</script><script>{MARK}</script>",
    f"</title></style><svg onload='{MARK}'>",
    f"<!-- <script> --> <a href='javascript:{MARK}'>link</a> &amp; &lt;b&gt;",
    "\u202egnp.exe \u2066isolated \u202a\u202a",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd $x$ {title} {{x}}",
    "Z" + "\u0336\u0351" * 200 + "go",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 300,
    "w" * 10_000,
    "nul \x00 bell \x07 escape \x1b[31m\nline" * 50,
    "half \ud800 of it",
)


def evaluated(found, name="encoder", texts=None, maps=None) -> Evaluated:
    """A set as vectors with relevance; maps None: points at random, as good as any for a page."""
    queries, documents, relevance = found
    scores = score(*found)
    measures = measure(scores, relevance, resamples=50)
    rows = len(queries) + len(documents)
    random = np.random.default_rng(0).uniform(-1, 1, size=(2, rows, 2)).astype(np.float32)
    maps = maps_of(found, *random) if maps is None else maps
    clustered = None if maps.umap is None or maps.umap.near is None else share(maps.umap.near)
    report = Report(name, relevance, scores, measures, judge(measures, clustered, len(queries)), texts)
    return Evaluated(report, maps, similarity_block(queries, documents, relevance))


def maps_of(found, *points) -> Maps:
    """t-SNE and UMAP of these points [Nq + Nd, 2], or None."""
    queries, documents, relevance = found
    vectors = np.concatenate([queries, documents])
    return Maps(*(None if one is None else DrawnMap.of(one, vectors, relevance) for one in points))


def named(relevance: Relevance, texts=("plain",)) -> EvaluationSet:
    """Queries and documents called by these texts in turn, each made unique by its number."""
    queries, documents = (
        tuple(f"{kind} {row}: {texts[row % len(texts)]}" for row in range(count))
        for kind, count in (("query", relevance.num_queries), ("document", relevance.num_documents))
    )
    return EvaluationSet(queries, documents, relevance)
