"""Where one set of prompts is denser than another, over the graph of the one that is looked at.

Knows rows, counts and a graph; nothing of files, or of how the nearest rows were found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector, require_rows

_PRIOR = 1.0  # prompts of the other set that every neighborhood is taken to hold besides, at the share that it has here


def density_ratio(nearest: Int64Vector, neighbor_indices: NDArray[Any]) -> Float64Vector:
    """log2 of the other set's share over this set's share around each row, float64 [N]: 0 as dense in both, 1 twice.

    nearest [M] is the row of this set that is nearest to each prompt of the other set; neighbor_indices [N, K] is this
    set's graph. With c_i prompts of the other set nearest to row i, s_i = c_i + the sum of c over the neighbors of i is
    the other set's count around i, and e = M (1 + K) / N is what it were if the other set lay as this one does, each
    row of which is nearest to itself. The ratio is log2((s_i + 1) / (e + 1)): one prompt is added to both, so that few
    prompts prove little, and an empty place is as far below 0 as the number of those that could be expected says.
    """
    require_rows("nearest", nearest, ndim=1)
    require_rows("neighbor_indices", neighbor_indices, ndim=2)
    num_rows, num_neighbors = neighbor_indices.shape
    counts = np.bincount(nearest, minlength=num_rows).astype(np.float64)
    around = counts.copy()
    for column in range(num_neighbors):
        around += counts[neighbor_indices[:, column]]
    expected = len(nearest) * (1 + num_neighbors) / num_rows
    return np.asarray(np.log2((around + _PRIOR) / (expected + _PRIOR)))
