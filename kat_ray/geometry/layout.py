"""Three coordinates for each row, or two, so that rows can be looked at: UMAP over the shared neighbor graph.

Knows vectors, the graph and a seed; nothing of files, sources or the viewer. The same inputs and seed give the same
bytes on one kind of machine, with any number of threads. Coordinates are centred and scaled by one factor, so that
shapes are kept.

The start is the principal axes and not UMAP's spectral layout: that needs sqrt(N) Lanczos vectors of N float64 (1.2 GB
at 276,000 rows), warns and falls back on graphs in many pieces, and fails on tiny ones (on the choice: Kobak and
Linderman 2021, doi.org/10.1038/s41587-020-00809-z).
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, require_rows
from kat_ray.errors import InputError, ResourceError
from kat_ray.geometry.neighbors import Device

LAYOUT_FORM = 2
"""Goes up when the same arguments begin to give another map, so that nobody takes an old one for it."""

_FEWEST_ROWS = 10  # below, the principal axes show the distances better than a stochastic layout
_SAME_DISTANCE = 1e-3  # one text embedded twice, in other batches or precisions, is closer than this
_BLOCK_ROWS = 8192


@dataclass(frozen=True, slots=True)
class LayoutConfig:
    """How the map is drawn."""

    n_neighbors: int = 15
    """Rows that count as a neighborhood, the row itself included (as in UMAP); more shows coarser structure."""
    min_dist: float = 0.1
    """How tightly rows may pack, in UMAP's own unit; 0 to 1."""
    seed: int = 42
    """Decides the layout; the same seed gives the same map."""
    device: Device = "cpu"
    """Where it runs: umap-learn's graph and our optimization on the cpu, cuML on the gpu."""
    num_axes: Literal[2, 3] = 3
    """Coordinates of a row: 3 for a map to turn, 2 for a flat one."""

    def __post_init__(self) -> None:
        if self.n_neighbors < 2:
            raise InputError(f"n_neighbors is {self.n_neighbors}, expected at least 2.")
        if not 0.0 <= self.min_dist <= 1.0:
            raise InputError(f"min_dist is {self.min_dist}, expected 0 to 1.")
        if self.num_axes not in (2, 3):
            raise InputError(f"num_axes is {self.num_axes}, expected 2 or 3.")


def layout(
    vectors: Float32Matrix,
    neighbor_indices: NDArray[Any],
    neighbor_distances: NDArray[Any],
    config: LayoutConfig = LayoutConfig(),
) -> Float32Matrix:
    """Coordinates float32 [N, num_axes] in [-1, 1] of vectors [N, D], from their graph [N, K] (self not in it).

    Of the graph the first min(n_neighbors, N - 1) - 1 columns count. All threads of the process. Fewer than 10 rows are
    shown along their principal axes; equal rows then share a place.

    Raises:
        InputError: arrays that do not fit each other, or a graph with too few columns.
        ResourceError: device "gpu" without cuML or without a GPU.
    """
    num_rows = len(vectors)
    require_rows("neighbor_indices", neighbor_indices, ndim=2, rows=num_rows)
    require_rows("neighbor_distances", neighbor_distances, ndim=2, rows=num_rows)
    if num_rows < _FEWEST_ROWS:
        return normalize_layout(principal_axes(vectors)[:, : config.num_axes])
    width = min(config.n_neighbors, num_rows - 1)
    if neighbor_indices.shape[1] < width - 1:
        raise InputError(f"The graph has {neighbor_indices.shape[1]} neighbors a row, the layout needs {width - 1}.")
    rows = np.arange(num_rows, dtype=np.int32)[:, None]
    indices = np.hstack([rows, neighbor_indices[:, : width - 1].astype(np.int32)])
    distances = np.hstack([np.zeros((num_rows, 1), np.float32), neighbor_distances[:, : width - 1].astype(np.float32)])
    draw = _layout_on_gpu if config.device == "gpu" else _layout_on_cpu
    return normalize_layout(draw(vectors, indices, distances, config))


def place(
    old_layout: Float32Matrix,
    neighbor_indices: NDArray[Any],
    neighbor_distances: NDArray[Any],
    config: LayoutConfig = LayoutConfig(),
) -> Float32Matrix:
    """Coordinates float32 [M, 3] of new rows among frozen old ones, given their nearest old rows [M, K].

    A new row stands at the mean of its neighbors, weighted by UMAP's membership strengths as its own transform does
    before optimizing; a row within 1e-3 of an old one stands exactly on it. Each row is placed by itself, so that the
    result does not depend on what else is placed.
    """
    require_rows("old_layout", old_layout, ndim=2)
    require_rows("neighbor_indices", neighbor_indices, ndim=2)
    require_rows("neighbor_distances", neighbor_distances, ndim=2, rows=len(neighbor_indices))
    width = min(config.n_neighbors, neighbor_indices.shape[1])
    indices, distances = neighbor_indices[:, :width], neighbor_distances[:, :width].astype(np.float64)
    if width == 0:
        raise InputError("New rows cannot be placed: they have no neighbors among the old ones.")
    shares = _membership(distances)
    shares[distances[:, 0] <= _SAME_DISTANCE] = np.eye(1, width)
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("mk,mkd->md", shares, old_layout[indices]), np.float32)


def normalize_layout(coordinates: NDArray[Any]) -> Float32Matrix:
    """Mean at the origin and the farthest coordinate at 1 or -1, by one factor for all axes; float32 [N, axes]."""
    wide = coordinates.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    reach = np.abs(centred).max(initial=0.0)
    is_point = reach <= 1e-12 * np.abs(wide).max(initial=0.0)  # equal up to rounding, which must not be blown up
    return np.zeros(wide.shape, np.float32) if is_point else np.asarray(centred / reach, np.float32)


def principal_axes(vectors: Float32Matrix) -> Float32Matrix:
    """Coordinates of the rows [N, D] along their three directions of most variance, float32 [N, 3], signs fixed.

    Directions in which the rows differ by rounding alone are 0.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))
    for block in _centred_blocks(vectors, mean):
        scatter += block.T @ block
    variances, axes = (part[..., ::-1][..., :3] for part in np.linalg.eigh(scatter))
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    noise = 1e-12 * (np.trace(scatter) + len(vectors) * mean @ mean)
    axes = axes * np.where(variances <= noise, 0.0, np.sign(largest))
    found = np.concatenate([block @ axes for block in _centred_blocks(vectors, mean)])
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1]))).astype(np.float32)


def _centred_blocks(vectors: Float32Matrix, mean: Float64Vector) -> Iterator[Float64Matrix]:
    for start in range(0, len(vectors), _BLOCK_ROWS):
        yield vectors[start : start + _BLOCK_ROWS] - mean


def _layout_on_cpu(
    vectors: Float32Matrix, indices: NDArray[np.int32], distances: NDArray[np.float32], config: LayoutConfig
) -> Float32Matrix:
    from kat_ray.geometry.layout_epochs import optimize  # needs numba, which whoever only plans a layout does without

    umap = _import_umap()
    random_state = np.random.RandomState(config.seed)
    graph, _, _ = umap.fuzzy_simplicial_set(
        vectors, indices.shape[1], random_state, "euclidean", knn_indices=indices, knn_dists=distances
    )
    a, b = umap.find_ab_params(1.0, config.min_dist)
    start = _start(vectors, random_state)
    start[:, config.num_axes :] = 0.0  # no force leads out of a plane that holds all points
    return optimize(start, graph.tocsr(), a, b, config.seed)[:, : config.num_axes]


def _layout_on_gpu(
    vectors: Float32Matrix, indices: NDArray[np.int32], distances: NDArray[np.float32], config: LayoutConfig
) -> Float32Matrix:
    try:
        from cuml.manifold import UMAP
    except ImportError as error:
        raise ResourceError(
            "The layout was asked to run on a GPU but cuML cannot be imported; install the gpu extra on a machine with "
            "an NVIDIA GPU, or use the device cpu."
        ) from error
    model = UMAP(
        n_components=config.num_axes,
        n_neighbors=indices.shape[1],
        min_dist=config.min_dist,
        metric="euclidean",
        random_state=config.seed,
        precomputed_knn=(indices.astype(np.int64), distances),
        output_type="numpy",
    )
    return np.asarray(model.fit_transform(vectors), np.float32)


def _start(vectors: Float32Matrix, random_state: np.random.RandomState) -> Float32Matrix:
    """Principal axes, each stretched to UMAP's start of 10 units, with a little noise that parts equal rows."""
    axes = principal_axes(vectors)
    lowest = axes.min(axis=0)
    widths = axes.max(axis=0) - lowest
    stretched = (axes - lowest) * (10.0 / np.where(widths > 0.0, widths, 1.0))
    return np.asarray(stretched + random_state.normal(scale=1e-4, size=axes.shape), np.float32)


def _membership(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """UMAP's strengths exp(-d / sigma) [M, K], sigma so that those after the first sum to log2(K)."""
    umap = _import_umap()
    sigmas, _ = umap.smooth_knn_dist(distances.astype(np.float32), float(distances.shape[1]), local_connectivity=0.0)
    return np.asarray(np.exp(-distances / np.maximum(sigmas, np.finfo(np.float32).tiny)[:, None]))


def _import_umap() -> ModuleType:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        return importlib.import_module("umap.umap_")
