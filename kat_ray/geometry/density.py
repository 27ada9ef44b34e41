"""How crowded the surroundings of each row are, from the distances to its nearest neighbors.

Knows distances of unit rows; nothing of files, prompts, weights or Ray. Density always means more crowded when higher;
a distance is never called a density.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, require_rows
from kat_ray.errors import InputError

DENSITY_EPS = 1e-6


def mean_distances(distances: NDArray[Any], k: int) -> Float64Vector:
    """Mean of the first k columns of ascending distances [N, K], float64 [N] in [0, 2] for unit rows.

    k is clamped to K; a corpus of one row has no neighbors and gets 0.

    Raises:
        InputError: k < 1, or distances that are not finite or not a matrix.
    """
    return _row_means(_first(distances, k))


def mean_similarities(distances: NDArray[Any], k: int) -> Float64Vector:
    """Mean cosine to the first k neighbors, float64 [N] in [-1, 1]; of unit rows, where cos = 1 - distance^2 / 2."""
    return 1.0 - _row_means(_first(distances, k) ** 2) / 2.0


def density(means: Float64Vector, eps: float = DENSITY_EPS) -> Float64Vector:
    """1 / (mean distance + eps), float64 [N], positive and finite: higher is more crowded."""
    return 1.0 / (np.asarray(means, np.float64) + eps)


def density_percentile(values: Float64Vector) -> Float64Vector:
    """Mid-rank percentile in (0, 1): the share of rows with a lower density plus half the share of equal ones."""
    values = np.asarray(values, np.float64)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    return np.asarray((below + counts / 2.0)[inverse] / max(len(values), 1))


def _first(distances: NDArray[Any], k: int) -> NDArray[np.float64]:
    if k < 1:
        raise InputError(f"k is {k}, expected at least 1 neighbor.")
    require_rows("neighbor distances", distances, ndim=2)
    return distances[:, :k].astype(np.float64)


def _row_means(values: NDArray[np.float64]) -> Float64Vector:
    return np.asarray(values.sum(axis=1) / max(values.shape[1], 1))
