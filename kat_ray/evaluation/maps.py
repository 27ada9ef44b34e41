"""Two coordinates for each query and document, so that a set can be looked at: t-SNE and UMAP over exact graphs.

Knows vectors and a seed; nothing of texts or plots. As similarities are cosines, lengths of vectors do not count. The
same vectors and seed give the same points on one kind of machine. Both maps start from the principal axes, which makes
them keep coarse structure and repeat (Kobak and Linderman 2021, doi.org/10.1038/s41587-020-00809-z). Points are centred
and scaled by one factor into [-1, 1].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector, require_rows
from kat_ray.errors import InputError, ResourceError
from kat_ray.evaluation.relevance import Relevance
from kat_ray.geometry.layout import LayoutConfig, layout, normalize_layout, principal_axes
from kat_ray.geometry.layout_quality import trustworthiness
from kat_ray.geometry.neighbors import Device, exact_neighbors

_MOST_NEAR = 10  # documents that count as near a query, of 100 or more
_FEWEST_DOCUMENTS = 20

_FEWEST_ROWS = 10  # below, the principal axes show the distances better than a stochastic layout
_SAMPLE_ROWS = 1000
_MIN_DIST = 0.1
_START_DEVIATION = 1e-4  # of t-SNE's start, as openTSNE and scikit-learn scale it


class DrawnMap(NamedTuple):
    """A map, and how far it can be believed."""

    points: Float32Matrix
    """[Nq + Nd, 2], queries first."""
    near: Float64Vector | None
    """`clustering` [Nq]."""
    trustworthiness: float | None
    """`map_trustworthiness`."""

    @classmethod
    def of(cls, points: Float32Matrix, vectors: Float32Matrix, relevance: Relevance) -> DrawnMap:
        """Points of the vectors [Nq + Nd, D], looked at."""
        return cls(points, clustering(points, relevance), map_trustworthiness(vectors, points))


class Maps(NamedTuple):
    """None where a map was left out or could not be drawn."""

    tsne: DrawnMap | None
    umap: DrawnMap | None


def tsne(vectors: Float32Matrix, *, seed: int = 42, perplexity: float = 30.0, device: Device = "cpu") -> Float32Matrix:
    """t-SNE points float32 [M, 2] of vectors [M, D] (van der Maaten and Hinton 2008), by openTSNE, or cuML on a GPU.

    The perplexity is at most (M - 1) / 3, three neighbors for each unit of it. One thread. Fewer than 10 rows are shown
    along their principal axes, and rows that are all equal in one place.

    Raises:
        InputError: vectors of another rank, NaN or infinity, a perplexity that is not above 0.
        ResourceError: openTSNE is not installed; device "gpu" without cuML or a GPU.
    """
    require_rows("vectors", vectors, ndim=2)
    if not perplexity > 0:
        raise InputError(f"perplexity is {perplexity}, expected a number above 0.")
    vectors = unit_rows(vectors)
    axes = principal_axes(vectors)[:, :2]
    if len(vectors) < _FEWEST_ROWS or not axes.any():
        return normalize_layout(axes)
    fitting = min(perplexity, (len(vectors) - 1) / 3)
    draw = _tsne_on_gpu if device == "gpu" else _tsne_on_cpu
    return normalize_layout(draw(vectors, axes, seed, fitting))


def umap(vectors: Float32Matrix, *, seed: int = 42, n_neighbors: int = 15, device: Device = "cpu") -> Float32Matrix:
    """UMAP points float32 [M, 2] of vectors [M, D] (McInnes, Healy and Melville 2018), cuML's on a GPU.

    n_neighbors is at most M - 1. All threads of the process. Small and equal rows as in `tsne`.

    Raises:
        InputError: vectors of another rank, NaN or infinity, options out of range.
        ResourceError: umap-learn is not installed; device "gpu" without cuML or a GPU.
    """
    require_rows("vectors", vectors, ndim=2)
    config = LayoutConfig(n_neighbors, _MIN_DIST, seed, device, num_axes=2)
    vectors = unit_rows(vectors)
    if not principal_axes(vectors).any():
        return np.zeros((len(vectors), 2), np.float32)
    graph = exact_neighbors(vectors, max(1, min(n_neighbors, len(vectors) - 1)))
    try:
        return layout(vectors, graph.indices, graph.distances, config)
    except ImportError as error:
        raise _not_there("A UMAP map", "umap-learn", error) from error


def clustering(points: Float32Matrix, relevance: Relevance) -> Float64Vector | None:
    """1 for each query that has its own positive near in a map, else 0 [Nq].

    Near are the `num_near` documents that are nearest to the query: a tenth of them at most, as by chance a tenth of
    the queries then have their own one among them, or fewer.

    points [Nq + Nd, 2] hold the queries first. Documents as near as the own positive count as nearer, so that a map
    with all points in one place keeps none. None with fewer than 20 documents, which say too little.
    """
    num_queries = relevance.num_queries
    require_rows("points", points, ndim=2, rows=num_queries + relevance.num_documents)
    if relevance.num_documents < _FEWEST_DOCUMENTS:
        return None
    num_nearest = num_near(relevance)
    queries, documents = points[:num_queries].astype(np.float64), points[num_queries:].astype(np.float64)
    own = relevance.own_rows
    near = _nearest(documents, queries, num_nearest + 1)
    reach = ((documents[own] - queries) ** 2).sum(axis=1)
    distances = ((documents[near] - queries[:, None, :]) ** 2).sum(axis=2)
    as_near = (distances <= reach[:, None]) & (near != own[:, None])
    return np.asarray(as_near.sum(axis=1) < num_nearest, np.float64)


def num_near(relevance: Relevance) -> int:
    """How many documents count as near a query in a map: a tenth of them, 10 at most."""
    return max(1, min(_MOST_NEAR, relevance.num_documents // 10))


def map_trustworthiness(vectors: Float32Matrix, points: Float32Matrix, *, seed: int = 42) -> float | None:
    """How far near points are near vectors, 0.5 by chance and 1 at best; of at most 1,000 rows (`layout_quality`).

    None with fewer than 3 rows, or when all points are one.
    """
    require_rows("points", points, ndim=2, rows=len(vectors))
    if (points == points[:1]).all():
        return None
    sample = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:_SAMPLE_ROWS])
    return trustworthiness(unit_rows(vectors), points, sample)


def unit_rows(vectors: Float32Matrix) -> Float32Matrix:
    """Rows of length 1 in the same directions; zero rows stay."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)


def _nearest(documents: Float64Vector, queries: Float64Vector, count: int) -> Int64Vector:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(documents).query(queries, k=count)[1], np.int64)


def _tsne_on_cpu(vectors: Float32Matrix, axes: Float32Matrix, seed: int, perplexity: float) -> Float32Matrix:
    try:
        from openTSNE import TSNE
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError as error:
        raise _not_there("A t-SNE map", "openTSNE", error) from error
    graph = exact_neighbors(vectors, math.ceil(3 * perplexity))
    known = PrecomputedNeighbors(graph.indices, graph.distances)
    affinities = PerplexityBasedNN(knn_index=known, perplexity=perplexity, random_state=seed)
    # Its threads wait for one another at full speed: beside another process two of them take 16 times as long as one.
    model = TSNE(initialization=_start(axes, seed), n_jobs=1, random_state=seed)
    return np.asarray(model.fit(affinities=affinities), np.float32)


def _tsne_on_gpu(vectors: Float32Matrix, axes: Float32Matrix, seed: int, perplexity: float) -> Float32Matrix:
    try:
        from cuml.manifold import TSNE
    except ImportError as error:
        raise ResourceError(
            "t-SNE was asked to run on a GPU but cuML cannot be imported; install the gpu extra on a machine with an "
            "NVIDIA GPU, or use the device cpu."
        ) from error
    del axes  # cuML starts from its own principal axes
    model = TSNE(
        n_components=2,
        perplexity=perplexity,
        n_neighbors=max(1, math.ceil(3 * perplexity)),
        random_state=seed,
        init="pca",
        output_type="numpy",
    )
    return np.asarray(model.fit_transform(vectors), np.float32)


def _not_there(what: str, package: str, error: ImportError) -> ResourceError:
    reason = str(error).partition("\n")[0]
    return ResourceError(f"{what} needs {package}, which cannot be imported ({reason}); install the jobs extra.")


def _start(axes: Float32Matrix, seed: int) -> Float32Matrix:
    """The principal axes, scaled as t-SNE wants its start, with a little noise that parts equal rows."""
    scale = _START_DEVIATION / axes[:, 0].std()
    noise = np.random.default_rng(seed).normal(scale=_START_DEVIATION / 100, size=axes.shape)
    return np.asarray(axes * scale + noise)
