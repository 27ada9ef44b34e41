"""Pearson's statistic, and the chi-square distribution of whole degrees of freedom, without SciPy.

Knows numbers; nothing of what is tested.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from kat_ray.arrays import Float64Vector
from kat_ray.errors import InputError

LEAST_EXPECTED = 5.0
"""Draws a cell: Cochran's rule for the chi-square approximation."""
_QUANTILE_99 = 2.3263478740408408  # of the standard normal distribution


def pearson(expected: Float64Vector, observed: Float64Vector) -> tuple[float, int]:
    """Pearson's statistic of counts [C] and its degrees of freedom; 0 and 0 when one cell is left.

    Cells are pooled until each expects enough, since one prompt may hold more than the part of its cell.
    """
    starts, gathered = [0], 0.0
    for place, value in enumerate(expected):
        gathered += value
        if gathered >= LEAST_EXPECTED <= expected[place + 1 :].sum():
            starts.append(place + 1)
            gathered = 0.0
    if len(starts) == 1:
        return 0.0, 0
    expected, observed = np.add.reduceat(expected, starts), np.add.reduceat(observed, starts)
    return float(np.sum((observed - expected) ** 2 / expected)), len(starts) - 1


def survival(value: float, degrees: int) -> float:
    """P(X >= value) for chi-square X with `degrees` >= 1 degrees of freedom, in [0, 1].

    The finite sums of NIST's Digital Library of Mathematical Functions, section 8.4: all terms are positive, so
    that no digits cancel.

    Raises:
        InputError: less than one degree of freedom.
    """
    if degrees < 1:
        raise InputError(f"A chi-square has at least 1 degree of freedom, got {degrees}.")
    if value <= 0.0:
        return 1.0
    half, is_odd = value / 2.0, degrees % 2
    total = math.erfc(math.sqrt(half)) if is_odd else 0.0
    orders = (step + is_odd / 2.0 for step in range(degrees // 2))
    total += sum(math.exp(order * math.log(half) - half - math.lgamma(order + 1.0)) for order in orders)
    return min(total, 1.0)


def critical(chance: float, degrees: int) -> float:
    """The value that a chi-square variable reaches or exceeds with this chance in (0, 1)."""
    low, high = 0.0, 1.0
    while survival(high, degrees) > chance:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if survival(middle, degrees) > chance else (low, middle)
    return high


@cache
def noncentrality(chance: float, degrees: int) -> float:
    """How far from the hypothesis counts must lie, as sum of (shift of a mean)^2 / mean, to be noticed nearly always.

    Nearly always is 99 times in 100, by a test that raises `chance` false alarms; from the normal approximation to the
    noncentral chi-square by its mean and variance, which asks a little too much.
    """
    limit, spread = critical(chance, degrees), 2.0 * _QUANTILE_99**2
    above = spread + math.sqrt(spread**2 + spread * (2.0 * limit - degrees))
    return above + limit - degrees
