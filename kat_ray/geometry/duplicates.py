"""Groups of near duplicates: rows joined by stored neighbor edges below a stated distance.

Knows the neighbor graph; nothing of texts or files. Joining is transitive, so that a chain of close rows is one group;
a row finds its duplicates among its K stored neighbors, and larger groups hold together through shared ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Int32Vector, require_rows
from kat_ray.errors import InputError

DUPLICATE_DISTANCE = 0.1
"""Default threshold, Euclidean on unit rows: a cosine of 0.995, texts that differ by a letter or a mark."""


def duplicate_groups(
    neighbor_indices: NDArray[Any], neighbor_distances: NDArray[Any], threshold: float = DUPLICATE_DISTANCE
) -> Int32Vector:
    """Group of each row, int32 [N]: the smallest row of its group, so that a row alone is its own group.

    The graph is [N, K]; edges of distance <= threshold join. Linear in the number of such edges.

    Raises:
        InputError: a threshold below 0, or arrays that do not fit each other.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not threshold >= 0.0:
        raise InputError(f"The duplicate threshold is {threshold}, expected a distance of 0 or more.")
    require_rows("neighbor_indices", neighbor_indices, ndim=2)
    require_rows("neighbor_distances", neighbor_distances, ndim=2, rows=len(neighbor_indices))
    num_rows = len(neighbor_indices)
    rows, columns = np.nonzero(neighbor_distances <= threshold)
    edges = coo_array((np.ones(len(rows), bool), (rows, neighbor_indices[rows, columns])), shape=(num_rows, num_rows))
    labels = connected_components(edges, directed=False)[1]
    smallest, groups = np.unique(labels, return_index=True, return_inverse=True)[1:]
    return smallest[groups].astype(np.int32)
