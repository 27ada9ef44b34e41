"""What a weighting does to the corpus, in a few numbers: how even it is, who gets the mass, what power would change.

Knows weights, density and neighbor distances; nothing of files, texts or Ray.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector
from kat_ray.geometry.density import density_percentile
from kat_ray.geometry.weights import weights_of

CURVE_POWERS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
_DUPLICATE_DISTANCE = 1e-4  # below it two rows are one text embedded twice, and say nothing about the dimension


@dataclass(frozen=True, slots=True)
class WeightDiagnostics:
    """One weighting [N] in numbers.

    Example: WeightDiagnostics(effective_sample_size=0.94, gini=0.13, max_over_median=1.5, quartile_mass=(...)).
    """

    effective_sample_size: float
    """1 / (N sum w^2), a share of N in (0, 1]; 1 is uniform (Kish 1965)."""
    gini: float
    """0 for equal weights, towards 1 when one row has everything."""
    max_over_median: float
    """How far the heaviest row stands out."""
    quartile_mass: tuple[float, float, float, float]
    """Share of the mass in each quarter of the rows by density percentile, rarest quarter first; sums to 1."""


def diagnose(weights: Float64Vector, density: Float64Vector) -> WeightDiagnostics:
    """The numbers of one weighting [N] of rows with this density [N]."""
    ordered = np.sort(weights)
    ranks = np.arange(1, len(ordered) + 1)
    gini = 2.0 * (ranks * ordered).sum() / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered)
    return WeightDiagnostics(
        effective_sample_size=effective_sample_size(weights),
        gini=max(0.0, float(gini)),
        max_over_median=float(ordered[-1] / np.median(ordered)),
        quartile_mass=_quartile_mass(weights, density),
    )


def effective_sample_size(weights: Float64Vector) -> float:
    """(sum w)^2 / (N sum w^2): the share of N that equally weighted draws would need for the same variance."""
    relative = weights / weights.max()  # equal weights are then exactly 1, and so is their effective sample size
    return min(1.0, float(relative.sum() ** 2 / (len(relative) * np.square(relative).sum())))


def effective_sample_size_curve(
    crowding: Float64Vector, cap: float | None = None, powers: tuple[float, ...] = CURVE_POWERS
) -> dict[float, float]:
    """Effective sample size, as a share of N, at each power; the curve from which a power is chosen knowingly."""
    return {power: effective_sample_size(weights_of(crowding, power, cap)) for power in powers}


def intrinsic_dimension(distances: NDArray[Any]) -> float | None:
    """The dimension d of the data around its rows, from ascending neighbor distances [N, K]; None if they do not tell.

    A true density falls as distance ** -d, so that d is also the power at which density ** -power would undo the
    crowding entirely. Maximum likelihood (Levina and Bickel 2004), inverse estimates averaged as MacKay and Ghahramani
    (2005) correct it, each over K - 1; neighbors closer than 1e-4 are taken for duplicates and left out.
    """
    far = np.asarray(distances, np.float64)
    apart = far > _DUPLICATE_DISTANCE
    counts = apart.sum(axis=1)
    logs = np.log(np.where(apart, far, 1.0))
    sums = np.where(counts > 0, counts * logs[:, -1:].sum(axis=1) - logs.sum(axis=1), 0.0)
    degrees = np.maximum(counts - 1, 0).sum()
    return float(degrees / sums.sum()) if sums.sum() > 0.0 else None


def _quartile_mass(weights: Float64Vector, density: Float64Vector) -> tuple[float, float, float, float]:
    quarters = np.minimum((density_percentile(density) * 4).astype(np.int64), 3)
    mass = np.bincount(quarters, weights=weights, minlength=4) / weights.sum()
    return float(mass[0]), float(mass[1]), float(mass[2]), float(mass[3])
