"""Scores as numbers with intervals: similarities, how far they stand apart, and retrieval.

Knows scores and judgments; nothing of texts or of what is good. Every measure is a function of sums over the queries,
so that a bootstrap draw of queries is a vector of weights. Documents are not drawn: the intervals say what other
queries of this kind would give against the same documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from kat_ray.arrays import Float64Matrix, Float64Vector
from kat_ray.errors import InputError
from kat_ray.evaluation import retrieval
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.scores import TIE, Scores

_PERCENTILES = (2.5, 97.5)
_LEAST_DEVIATION = 1e-6  # float32 vectors tell similarities no finer apart
_DRAWN_AT_ONCE = 1 << 22
_RANKED = ("mrr@10", "recall@1", "recall@5", "recall@10", "recall@50", "ndcg@10", "map@100")
_SHARES = ("rank1_share", *_RANKED)  # from 0 to 1 for each query


class Measure(NamedTuple):
    """A value and its 95 % percentile bootstrap interval; NaN for what cannot be had."""

    value: float
    low: float
    high: float


def measure(scores: Scores, relevance: Relevance, *, resamples: int = 1000, seed: int = 42) -> dict[str, Measure]:
    """All measures of one encoder on one set, in a fixed order.

        positive_mean positive_std    similarities of queries with their relevant documents; deviation over all pairs
        own_mean                      with their own positives
        negative_mean negative_std    with all other documents
        margin                        positive_mean - negative_mean
        separation                    margin / (positive_std + negative_std)
        separation_rss                margin / sqrt(positive_std^2 + negative_std^2)
        rank1_share                   queries with a relevant document at rank 1
        rank1_gap                     mean similarity at rank 1 minus that at rank 2 (Scores.gaps)
        mrr@10 recall@1 recall@5 recall@10 recall@50 ndcg@10 map@100
        hard_accuracy                 hard negatives that are less similar than the query's own positive; only with some

    A sum of deviations below 1e-6 counts as 1e-6, so that separations are finite. NaN is a value that cannot be had:
    without any document that is not relevant there is no negative similarity, no rank and no gap, with one query no
    interval. Where a share is 0 or 1 for all queries, all draws agree, and the interval is the exact
    one of so many queries instead (Clopper and Pearson 1934).
    """
    draws = bootstrap(scores, relevance, resamples=resamples, seed=seed)
    found = {name: with_interval(value, draws[name]) for name, value in values(scores, relevance).items()}
    num_queries = dict.fromkeys(_SHARES, relevance.num_queries)
    if "hard_accuracy" in found:
        num_queries["hard_accuracy"] = int((np.diff(relevance.hard_offsets) > 0).sum())
    return found | {name: _of_share(found[name], number) for name, number in num_queries.items()}


def values(scores: Scores, relevance: Relevance) -> dict[str, float]:
    """The measures without their intervals."""
    once = np.ones((1, relevance.num_queries))
    return {name: float(value[0]) for name, value in _weighted(_columns(scores, relevance), once).items()}


def share(column: Float64Vector, *, resamples: int = 1000, seed: int = 42) -> Measure:
    """The mean of a number from 0 to 1 for each query [Nq], with the interval that `measure` gives a share."""
    value = float(column.mean())
    if len(column) == 1:
        return Measure(value, np.nan, np.nan)
    draws = [weights @ column / len(column) for weights in _draws(resamples, seed, len(column))]
    return _of_share(with_interval(value, np.concatenate(draws)), len(column))


def num_changed(scores: Scores, baseline: Scores, relevance: Relevance) -> dict[str, int]:
    """Of each measure: the queries that two encoders differ in, for it alone where it is a mean over queries."""
    columns, old = _columns(scores, relevance), _columns(baseline, relevance)
    differs = {name: columns[name] != old[name] for name in columns}
    anywhere = np.stack(list(differs.values())).any(axis=0)
    return {name: int(differs.get(name, anywhere).sum()) for name in values(scores, relevance)}


def bootstrap(scores: Scores, relevance: Relevance, *, resamples: int, seed: int) -> dict[str, Float64Vector]:
    """Each measure on so many draws of Nq queries with replacement [resamples].

    The same seed draws the same queries for every encoder, so that differences of draws are paired. All NaN for a
    single query, of which nothing else can be drawn.

    Raises:
        InputError: less than one draw.
    """
    if resamples < 1:
        raise InputError(f"There are {resamples} bootstrap draws, expected at least 1.")
    columns = _columns(scores, relevance)
    if relevance.num_queries == 1:
        return {name: np.full(resamples, np.nan) for name in values(scores, relevance)}
    parts = [_weighted(columns, weights) for weights in _draws(resamples, seed, relevance.num_queries)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def with_interval(value: float, draws: Float64Vector) -> Measure:
    """The value with the middle 95 % of those draws that can be had."""
    finite = draws[np.isfinite(draws)]
    if not np.isfinite(value) or not len(finite):
        return Measure(value, np.nan, np.nan)
    low, high = np.percentile(finite, _PERCENTILES)
    return Measure(value, float(low), float(high))


def _of_share(measure: Measure, num_queries: int) -> Measure:
    """With the exact interval where all queries agree on 0 or 1."""
    reach = 1.0 - (_PERCENTILES[0] / 100) ** (1 / num_queries)
    if measure.low == 1.0:
        return measure._replace(low=1.0 - reach)
    return measure._replace(high=reach) if measure.high == 0.0 else measure


def _draws(resamples: int, seed: int, num_queries: int) -> Iterator[Float64Matrix]:
    """How often each query is drawn, some draws at a time [n, Nq]."""
    random = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // num_queries)
    for start in range(0, resamples, at_once):
        rows = random.integers(num_queries, size=(min(at_once, resamples - start), num_queries))
        yield np.stack([np.bincount(row, minlength=num_queries) for row in rows]).astype(np.float64)


def _columns(scores: Scores, relevance: Relevance) -> dict[str, Float64Vector]:
    """What is summed over the queries, each [Nq]."""
    ranks, offsets = scores.ranks, relevance.offsets
    has_gap = np.isfinite(scores.gaps)
    columns: dict[str, Float64Vector] = {
        "queries": np.ones(relevance.num_queries),
        "own_mean": scores.own_similarities,
        "rank1_gap": np.where(has_gap, scores.gaps, 0.0),
        "has_gap": has_gap.astype(np.float64),
        "rank1_share": (retrieval.best_ranks(ranks, offsets) == 1).astype(np.float64),
        "mrr@10": retrieval.reciprocal_rank(ranks, offsets, 10),
        "ndcg@10": retrieval.ndcg(ranks, offsets, 10),
        "map@100": retrieval.average_precision(ranks, offsets, 100),
    }
    columns |= {f"recall@{k}": retrieval.recall(ranks, offsets, k) for k in (1, 5, 10, 50)}
    for side, moments in (("positive", scores.positive), ("negative", scores.negative)):
        columns |= {f"{side}_{name}": column for name, column in moments._asdict().items()}
    if len(relevance.hard_rows):
        columns |= _hard_columns(scores, relevance)
    return columns


def _hard_columns(scores: Scores, relevance: Relevance) -> dict[str, Float64Vector]:
    counts = np.diff(relevance.hard_offsets)
    queries = np.repeat(np.arange(relevance.num_queries), counts)
    is_lower = scores.hard_similarities < scores.own_similarities[queries] - TIE
    lower = np.bincount(queries[is_lower], minlength=relevance.num_queries)
    return {"hard": counts.astype(np.float64), "hard_accuracy": lower.astype(np.float64)}


def _weighted(columns: Mapping[str, Float64Vector], weights: Float64Matrix) -> dict[str, Float64Vector]:
    """The measures of queries that count as often as weights [W, Nq] say, [W] each."""
    sums = dict(zip(columns, (weights @ np.stack(list(columns.values()), axis=1)).T, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        positive_mean, positive_std = _mean_and_deviation(sums, "positive")
        negative_mean, negative_std = _mean_and_deviation(sums, "negative")
        margin = positive_mean - negative_mean
        ranked = np.where(sums["negative_counts"] > 0, sums["queries"], np.nan)
        measured = {
            "positive_mean": positive_mean,
            "positive_std": positive_std,
            "own_mean": sums["own_mean"] / sums["queries"],
            "negative_mean": negative_mean,
            "negative_std": negative_std,
            "margin": margin,
            "separation": separation(margin, positive_std, negative_std),
            "separation_rss": separation_rss(margin, positive_std, negative_std),
            "rank1_share": sums["rank1_share"] / ranked,
            "rank1_gap": sums["rank1_gap"] / sums["has_gap"],
            **{name: sums[name] / ranked for name in _RANKED},
        }
        if "hard" in sums:
            measured["hard_accuracy"] = sums["hard_accuracy"] / sums["hard"]
    return measured


def separation(margin: Float64Vector, positive_std: Float64Vector, negative_std: Float64Vector) -> Float64Vector:
    """margin / (positive_std + negative_std): the one that the checklist wants above 2."""
    return np.asarray(margin / np.maximum(positive_std + negative_std, _LEAST_DEVIATION))


def separation_rss(margin: Float64Vector, positive_std: Float64Vector, negative_std: Float64Vector) -> Float64Vector:
    """margin / sqrt(positive_std^2 + negative_std^2): the distance of two normal distributions, up to 1.41 as large."""
    return np.asarray(margin / np.maximum(np.hypot(positive_std, negative_std), _LEAST_DEVIATION))


def _mean_and_deviation(sums: Mapping[str, Float64Vector], side: str) -> tuple[Float64Vector, Float64Vector]:
    counts = sums[f"{side}_counts"]
    mean = sums[f"{side}_sums"] / counts
    return mean, np.sqrt(np.maximum(sums[f"{side}_squares"] / counts - mean**2, 0.0))
