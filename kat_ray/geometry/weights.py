"""From density to sampling weights: rare rows more, common rows less, by a stated power and within a stated cap.

Knows arrays; nothing of files, prompts or Ray. Weights are float64, positive, finite and sum to 1. An isolated row
always gets more than a crowded one; the one exception is asked for by name (`compat_inverted_weights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector
from kat_ray.errors import InputError
from kat_ray.geometry.density import DENSITY_EPS, density, mean_distances, mean_similarities

Estimator = Literal["distance", "similarity"]
LossMode = Literal["mean", "sum", "none"]

_SIMILARITY_EPS = 1e-3
_LARGEST_POWER = 1024.0
_SMALLEST_LOG = -600.0  # weights stay normal float64 numbers under any power


@dataclass(frozen=True, slots=True)
class WeightConfig:
    """How density becomes a weight.

    Example: WeightConfig(power=4.0, cap=10.0), or WeightConfig(target_ess=0.5) to have the power found.
    """

    power: float = 1.0
    """Weight is proportional to density ** -power; 0 is uniform."""
    cap: float | None = None
    """Largest weight over the median weight, at least 1; None leaves the tail as it is."""
    target_ess: float | None = None
    """Effective sample size as a share of N in (0, 1]; when given, it decides the power."""
    estimator: Estimator = "distance"
    """What is called crowded: 1 / (mean distance + eps), or eps + max(0, mean cosine)."""
    eps: float | None = None
    """Keeps both estimators finite; None means 1e-6 for distance and 1e-3 for similarity."""
    compat_inverted_weights: bool = False
    """Reproduction only: favor crowded rows, as published code did by mistake. Never for training."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.power <= _LARGEST_POWER:
            raise InputError(f"The weight power is {self.power}, expected 0 to {_LARGEST_POWER:g}.")
        if self.cap is not None and not self.cap >= 1.0:
            raise InputError(f"The weight cap is {self.cap}, expected at least 1 (largest weight over the median).")
        if self.target_ess is not None and not 0.0 < self.target_ess <= 1.0:
            raise InputError(f"The target effective sample size is {self.target_ess}, expected a share in (0, 1].")
        if self.eps is not None and not self.eps > 0.0:
            raise InputError(f"The weight eps is {self.eps}, expected a positive number.")


@dataclass(frozen=True, slots=True)
class Weighting:
    """Weights [N] that sum to 1, and the power that made them (found, when a target was given)."""

    values: Float64Vector
    power: float


def weights(distances: NDArray[Any], k: int, config: WeightConfig = WeightConfig()) -> Weighting:
    """Sampling weights of all rows from their ascending neighbor distances [N, K], of which the first k count.

    Raises:
        InputError: distances that are not finite, or a target effective sample size that no power reaches.
    """
    crowding = crowding_of(distances, k, config)
    power = config.power if config.target_ess is None else power_for_ess(crowding, config.target_ess, config.cap)
    sign = -1.0 if config.compat_inverted_weights else 1.0
    return Weighting(weights_of(crowding, sign * power, config.cap), power)


def crowding_of(distances: NDArray[Any], k: int, config: WeightConfig) -> Float64Vector:
    """The quantity [N] whose inverse power is the weight: the density, or eps + max(0, mean cosine)."""
    if config.estimator == "similarity":
        eps = _SIMILARITY_EPS if config.eps is None else config.eps
        return eps + np.maximum(0.0, mean_similarities(distances, k))
    return density(mean_distances(distances, k), DENSITY_EPS if config.eps is None else config.eps)


def weights_of(crowding: Float64Vector, power: float, cap: float | None = None) -> Float64Vector:
    """crowding ** -power, capped at `cap` times the median, scaled to sum 1."""
    logs = -power * np.log(np.asarray(crowding, np.float64))
    raw = np.exp(np.maximum(logs - logs.max(initial=-np.inf), _SMALLEST_LOG))
    if cap is not None and len(raw):
        raw = np.minimum(raw, _cap_level(raw, cap))
    return np.asarray(raw / raw.sum())


def power_for_ess(crowding: Float64Vector, target: float, cap: float | None = None) -> float:
    """The power at which the effective sample size is `target` times N; it falls steadily as the power grows.

    Raises:
        InputError: no power up to 1024 reaches the target; the message gives the reachable range.
    """
    from scipy.optimize import brentq

    def excess(power: float) -> float:
        values = weights_of(crowding, power, cap)
        return float(1.0 / (len(values) * np.square(values).sum())) - target

    if target >= 1.0:
        return 0.0
    high = 1.0
    while excess(high) > 0.0:
        if high >= _LARGEST_POWER:
            raise InputError(
                f"No weight power reaches an effective sample size of {target:.3f} N: with this density"
                f"{'' if cap is None else f' and a cap of {cap:g}'} it can be {excess(high) + target:.3f} N to 1 N."
            )
        high *= 2.0
    return float(brentq(excess, 0.0, high, xtol=1e-10))


def loss_weights(pair_weights: NDArray[Any], cap: float | None = None, mode: LossMode = "mean") -> Float64Vector:
    """Weights of the pairs of one training set for a loss, from their prompts' sampling weights [P]; NaN = unknown id.

    Known weights are scaled to mean 1 over the pairs, unknown ones become 1, then all are capped. Mode "mean" scales
    the result to mean 1 again, "sum" is the same (it sums to P), "none" leaves it as capped.

    Raises:
        InputError: a weight that is negative or infinite, all weights 0, or a cap that is not positive.
    """
    values = np.asarray(pair_weights, np.float64).copy()
    known = ~np.isnan(values)
    if np.isinf(values).any() or (values[known] < 0.0).any() or (known.any() and not values[known].any()):
        raise InputError("Pair weights must be finite, not negative and not all 0; NaN marks a pair without a weight.")
    if cap is not None and not cap > 0.0:
        raise InputError(f"The loss weight cap is {cap}, expected a positive number (1 is the mean weight).")
    values[known] /= values[known].mean() if known.any() else 1.0
    values[~known] = 1.0
    if cap is not None:
        values = np.minimum(values, cap)
    return values if mode == "none" or len(values) == 0 else np.asarray(values / values.mean())


def _cap_level(raw: Float64Vector, cap: float) -> float:
    """The level at which clipping makes largest / median equal to cap; clipping may lower the upper middle value."""
    ordered = np.sort(raw)
    low, high = float(ordered[(len(raw) - 1) // 2]), float(ordered[len(raw) // 2])
    level = cap * (low + high) / 2.0
    return level if level >= high else cap * low / (2.0 - cap)
