"""How far a layout can be trusted, in four numbers: neighborhoods kept, outliers, spread, and how sources mix.

Knows vectors, coordinates and source codes; nothing of files or of how the layout was made.
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Int64Vector, require_rows

_SAMPLE_ROWS = 1000
_NEIGHBORS = 15
_FAR_IQRS = 10.0
_CELLS_PER_AXIS = 10
_BLOCK_ROWS = 32


class LayoutQuality(TypedDict):
    """One layout in numbers; None where there is too little to measure."""

    trustworthiness: float | None
    """Are rows that stand close in the layout also close in the vectors? 1 is yes, about 0.5 chance (Venna and Kaski
    2001); 15 layout neighbors and their ranks among all rows, for a sample of at most 1,000 rows."""
    layout_outlier_share: float | None
    """Share of rows farther than 10 interquartile ranges from the median on some axis; 0 is good."""
    layout_spread: float | None
    """Evenness over a grid of 10 x 10 x 10 cells: entropy of the rows' cells over that of as many rows, or as many
    cells, one each; 0 when all stand in one cell, 1 when spread evenly."""
    source_mixing: float | None
    """Share of layout neighbors that come from another source, over the share at random; 1 is fully mixed, 0 apart."""


def layout_quality(
    vectors: Float32Matrix, layout: Float32Matrix, sources: NDArray[Any], *, seed: int = 42
) -> LayoutQuality:
    """Measure a layout [N, 3] of vectors [N, D] whose rows come from sources [N] (integer codes). Seconds at any N."""
    require_rows("layout", layout, ndim=2, rows=len(vectors))
    require_rows("sources", sources, ndim=1, rows=len(vectors))
    sample = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:_SAMPLE_ROWS])
    return LayoutQuality(
        trustworthiness=trustworthiness(vectors, layout, sample),
        layout_outlier_share=outlier_share(layout),
        layout_spread=spread(layout),
        source_mixing=source_mixing(layout, sources, sample),
    )


def outlier_share(layout: Float32Matrix) -> float | None:
    """Share of rows farther than 10 interquartile ranges from the median on some axis."""
    if len(layout) == 0:
        return None
    low, middle, high = np.percentile(layout, [25, 50, 75], axis=0)
    return float((np.abs(layout - middle) > _FAR_IQRS * (high - low)).any(axis=1).mean())


def spread(layout: Float32Matrix) -> float | None:
    """Entropy of the occupied cells of a 10 x 10 x 10 grid over [-1, 1], as a share of the largest possible."""
    num_cells = _CELLS_PER_AXIS ** layout.shape[1]
    if len(layout) < 2:
        return None
    cells = np.clip(((layout + 1.0) * (_CELLS_PER_AXIS / 2)).astype(np.int64), 0, _CELLS_PER_AXIS - 1)
    _, counts = np.unique(cells, axis=0, return_counts=True)
    shares = counts / len(layout)
    return float(-(shares * np.log(shares)).sum() / np.log(min(num_cells, len(layout)))) + 0.0


def trustworthiness(vectors: Float32Matrix, layout: Float32Matrix, sample: Int64Vector) -> float | None:
    """1 - 2 / (m k (2 N - 3 k - 1)) * sum of max(0, rank - k) over the k = 15 layout neighbors of m sampled rows.

    The rank of a neighbor is its place among all N rows by distance of the vectors. Cost: 2 m N D operations.
    """
    width = min(_NEIGHBORS, (len(layout) - 1) // 2)
    if width < 1:
        return None
    near = _layout_neighbors(layout, sample, width)
    norms = np.einsum("nd,nd->n", vectors, vectors)
    excess = 0
    for start in range(0, len(sample), _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        all_products = vectors[sample[part]] @ np.asarray(vectors).T
        for row, others, products in zip(sample[part], near[part], all_products, strict=True):
            distances = norms - 2.0 * products
            distances[row] = -np.inf  # self has rank 0
            ranks = np.asarray([np.count_nonzero(distances < distances[other]) for other in others])
            excess += int(np.maximum(0, ranks - width).sum())
    return 1.0 - 2.0 * excess / (len(sample) * width * (2 * len(layout) - 3 * width - 1))


def source_mixing(layout: Float32Matrix, sources: NDArray[Any], sample: Int64Vector) -> float | None:
    """Share of the 15 layout neighbors of the sampled rows from another source, over the share at random."""
    width = min(_NEIGHBORS, len(layout) - 1)
    counts = np.unique(sources, return_counts=True)[1]
    if width < 1 or len(counts) < 2:
        return None
    differ = sources[_layout_neighbors(layout, sample, width)] != sources[sample][:, None]
    by_chance = 1.0 - (counts * (counts - 1)).sum() / (len(layout) * (len(layout) - 1))
    return float(differ.mean() / by_chance)


def _layout_neighbors(layout: Float32Matrix, sample: Int64Vector, width: int) -> Int64Vector:
    """The nearest rows in the layout of each sampled row [m, width], without the row itself."""
    from scipy.spatial import cKDTree

    near = np.asarray(cKDTree(layout).query(layout[sample], k=width + 1)[1], np.int64)
    is_self = near == sample[:, None]
    is_self[~is_self.any(axis=1), -1] = True  # more equal coordinates than asked for: any of them may go
    return np.asarray(near[~is_self].reshape(len(sample), width))
