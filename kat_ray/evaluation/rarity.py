"""Whether an encoder changes who is rare: the weights that two encoders give the same prompts, compared.

Knows vectors and weights; nothing of texts or of how vectors were made. Intervals come from drawing prompts again, each
with the weights that it has: they say how far other prompts of this kind would change the numbers, not what a graph
over other prompts would be; and since weights of neighbors go together, they are a little too narrow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector, require_rows
from kat_ray.errors import InputError
from kat_ray.evaluation.measures import Measure, with_interval
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.geometry.weights import WeightConfig, weights

RARE_SHARE = 0.1
"""The prompts of the largest weights that count as rare; also what their overlap is by chance."""


class RarityChange(NamedTuple):
    """Two encoders on the same prompts.

    Example: RarityChange(Measure(0.81, 0.79, 0.83), Measure(0.57, 0.53, 0.61)): nearly half of the rarest tenth are
    other prompts.
    """

    rank_correlation: Measure
    """Spearman's, of the weights: 1 the same order, 0 none in common. NaN when an encoder gives all the same weight."""
    top_decile_overlap: Measure
    """Share of the rarest tenth by the one that are of the rarest tenth by the other; 0.1 by chance. NaN where more
    than a tenth have the weight on the edge of the tenth, so that nobody can say who is in it."""


class RarityComparison(NamedTuple):
    """Two encoders by name, and what the first changes against the second."""

    encoder: str
    baseline: str
    change: RarityChange


class Rarity(NamedTuple):
    """Comparisons of encoders on some of a snapshot's prompts."""

    num_prompts: int
    """Prompts that were compared, drawn evenly."""
    of_prompts: int
    """Prompts of the snapshot."""
    k: int
    """Neighbors in the density, among the prompts that were compared."""
    weighting: WeightConfig
    comparisons: tuple[RarityComparison, ...]


def prompt_weights(vectors: Float32Matrix, k: int, config: WeightConfig) -> Float64Vector:
    """Weights [N] of unit rows [N, D] as a snapshot has them, from the exact graph of these rows alone.

    Raises:
        InputError: fewer than 2 rows, or no numbers.
    """
    require_rows("vectors", vectors, ndim=2)
    if len(vectors) < 2:
        raise InputError(f"There are {len(vectors)} prompts to compare weights of, expected at least 2.")
    return weights(exact_neighbors(vectors, k).distances, k, config).values


def compare_rarity(
    new: Float64Vector, baseline: Float64Vector, *, resamples: int = 1000, seed: int = 42
) -> RarityChange:
    """Compare the weights [N] of two encoders for the same prompts; symmetric in the two. Cost: N * resamples.

    Raises:
        InputError: other numbers of prompts, fewer than 2, or weights that are no numbers.
    """
    require_rows("weights", new, ndim=1)
    require_rows("baseline weights", baseline, ndim=1, rows=len(new))
    if len(new) < 2:
        raise InputError(f"There are {len(new)} prompts to compare weights of, expected at least 2.")
    orders = _Order(new), _Order(baseline)
    random, once = np.random.default_rng(seed), np.ones(len(new))
    draws = np.array([_compare(*orders, _drawn(random, len(new))) for _ in range(resamples)])
    values = _compare(*orders, once)
    return RarityChange(*(with_interval(value, column) for value, column in zip(values, draws.T, strict=True)))


class _Order:
    """Prompts by falling weight, equal ones in one group, so that drawn prompts are ranked without sorting again."""

    def __init__(self, values: Float64Vector) -> None:
        _, groups, sizes = np.unique(-values, return_inverse=True, return_counts=True)
        self.groups: Int64Vector = groups
        self.is_large = sizes > RARE_SHARE * len(values)

    def before(self, counts: Float64Vector) -> tuple[Float64Vector, Float64Vector]:
        """Of each group: how many drawn prompts stand before it, and how many are in it."""
        sizes = np.asarray(np.bincount(self.groups, weights=counts), np.float64)
        return np.asarray(np.cumsum(sizes) - sizes), sizes

    def ranks(self, counts: Float64Vector) -> Float64Vector:
        """Middle rank of each prompt among the drawn ones [N]."""
        before, sizes = self.before(counts)
        return np.asarray((before + sizes / 2.0)[self.groups])

    def rare(self, counts: Float64Vector, num_rare: float) -> Float64Vector:
        """Share of each prompt's copies that are of the `num_rare` first [N]; a group over the edge goes in evenly.

        All NaN where that group alone is larger than the rarest tenth.
        """
        before, sizes = self.before(counts)
        inside = np.clip(num_rare - before, 0.0, sizes)
        if ((inside > 0.0) & (inside < sizes) & self.is_large).any():
            return np.full(len(counts), np.nan)
        return np.asarray((inside / np.maximum(sizes, 1.0))[self.groups])


def _compare(new: _Order, baseline: _Order, counts: Float64Vector) -> tuple[float, float]:
    """Rank correlation and overlap of prompts that count so often [N]."""
    num_rare = RARE_SHARE * counts.sum()
    both = np.minimum(new.rare(counts, num_rare), baseline.rare(counts, num_rare))
    return _correlation(new.ranks(counts), baseline.ranks(counts), counts), float((counts * both).sum() / num_rare)


def _correlation(new: Float64Vector, baseline: Float64Vector, counts: Float64Vector) -> float:
    """Pearson's, of values that count so often; NaN where one is constant."""
    total = counts.sum()
    first, second = (values - (counts * values).sum() / total for values in (new, baseline))
    scale = np.sqrt((counts * first**2).sum() * (counts * second**2).sum())
    return float((counts * first * second).sum() / scale) if scale > 0.0 else float("nan")


def _drawn(random: np.random.Generator, num_prompts: int) -> Float64Vector:
    """How often each prompt is drawn [N]."""
    rows = random.integers(num_prompts, size=num_prompts)
    return np.bincount(rows, minlength=num_prompts).astype(np.float64)
