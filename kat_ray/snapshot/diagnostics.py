"""The numbers of a snapshot's card, as they stand in its manifest under `diagnostics`.

Says what each number means; how they are measured stands in `kat_ray.geometry`, how they are shown in `card`.
"""

from __future__ import annotations

from typing import TypedDict


class WeightNumbers(TypedDict):
    """How unequal the weights are, and how unequal other powers would make them."""

    estimator: str
    """How the weights were made: "distance" or "similarity"."""
    k: int
    """Neighbors in the density, after clamping to N - 1."""
    power: float
    """Exponent of the weights, chosen or found from a target effective sample size; 0 is uniform."""
    cap: float | None
    """Largest weight allowed, as a multiple of the median weight; None for no cap."""
    effective_sample_size: float
    """(sum w)^2 / sum w^2 as a fraction of N, in (0, 1]."""
    gini: float
    """Gini coefficient of the weights, in [0, 1)."""
    max_over_median: float
    """Largest weight over the median one."""
    mass_per_density_quartile: list[float]
    """Share of all weight in each quarter of the prompts, sparsest first; four numbers, sum 1."""
    ess_over_power: dict[str, float]
    """Effective sample size (fraction of N) that each power would give: {"1": 0.94, "4": 0.67}."""


class Diagnostics(WeightNumbers):
    """Every key is always there; None means that the number could not be measured (say, one prompt, or no layout)."""

    intrinsic_dimension: float | None
    """Dimension of the data near its points, estimated from neighbor distances."""
    recall: float | None
    """Measured recall of an approximate neighbor graph; None when the graph is exact."""
    duplicate_distance: float
    """Euclidean distance below which two prompts count as near duplicates."""
    num_duplicate_groups: int
    """Groups of two or more near duplicates."""
    num_near_duplicates: int
    """Prompts in these groups."""
    num_clusters: int
    """Clusters of the neighbor graph."""
    cluster_sizes: list[int]
    """Prompts in the largest clusters, descending, at most ten."""
    trustworthiness: float | None
    """Of the layout, on a sample, in [0, 1]."""
    layout_outlier_share: float | None
    """Share of points more than 10 interquartile ranges away from the middle of an axis."""
    layout_spread: float | None
    """How evenly the cloud fills its box: entropy of the points over cells, as a share of the largest, in [0, 1]."""
    source_mixing: float | None
    """Share of layout neighbors from another source, over what chance would give; 1 is fully mixed."""
    num_truncated: int
    """Prompts cut at the encoder's token limit."""
    token_limit: int
    """Tokens that the encoder reads of a prompt."""
    sources: dict[str, int]
    """Prompts of each source, a prompt counting for the first one it came from."""
