"""Two encoders on one set: what changes, by how much, and whether other queries would say the same.

Knows scores and judgments; nothing of texts or of what is good.
"""

from __future__ import annotations

from dataclasses import dataclass

from kat_ray.errors import InputError
from kat_ray.evaluation.measures import Measure, bootstrap, num_changed, values, with_interval
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.retrieval import best_ranks
from kat_ray.evaluation.scores import Scores

_FEWEST_CHANGED = 6


@dataclass(frozen=True, slots=True)
class Comparison:
    """An encoder against a baseline.

    Example: Comparison({"margin": Measure(0.08, 0.05, 0.11), ...}, better=41, worse=12, same=447).
    """

    differences: dict[str, Measure]
    """Measures of the encoder minus those of the baseline, with paired 95 % intervals: both see the same drawn
    queries. One in twenty leaves out 0 by chance; none does where fewer than 6 queries differ, of which no paired test
    could tell (a sign test of 5 gives 0.06)."""
    better: int
    """Queries whose first relevant document stands nearer to rank 1 than by the baseline."""
    worse: int
    same: int


def compare(
    scores: Scores, baseline: Scores, relevance: Relevance, *, resamples: int = 1000, seed: int = 42
) -> Comparison:
    """What scores have over a baseline; both of one relevance.

    Raises:
        InputError: the scores are of different sets.
    """
    if not len(scores.ranks) == len(baseline.ranks) == len(relevance.rows):
        raise InputError(
            f"The encoders were scored on {len(scores.ranks):,} and {len(baseline.ranks):,} relevant documents, "
            f"expected {len(relevance.rows):,}; compare them on one evaluation set."
        )
    new, old = (values(one, relevance) for one in (scores, baseline))
    draws, old_draws = (bootstrap(one, relevance, resamples=resamples, seed=seed) for one in (scores, baseline))
    gains = best_ranks(baseline.ranks, relevance.offsets) - best_ranks(scores.ranks, relevance.offsets)
    differences = {name: with_interval(new[name] - old[name], draws[name] - old_draws[name]) for name in new}
    changed = num_changed(scores, baseline, relevance)
    return Comparison(
        {name: one if changed[name] >= _FEWEST_CHANGED else _up_to_zero(one) for name, one in differences.items()},
        better=int((gains > 0).sum()),
        worse=int((gains < 0).sum()),
        same=int((gains == 0).sum()),
    )


def _up_to_zero(difference: Measure) -> Measure:
    return difference._replace(low=min(difference.low, 0.0), high=max(difference.high, 0.0))


def is_different(difference: Measure) -> bool:
    """Whether the interval of a difference leaves out 0."""
    return difference.low > 0.0 or difference.high < 0.0
