"""Corpora whose geometry is planted and asserted, and the plain references that the fast code is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kat_ray.geometry.candidates import Candidates


class GeoCorpus(NamedTuple):
    """Unit rows float32 [250, 64]: 200 in four crowds, then 50 alone."""

    vectors: NDArray[np.float32]
    is_isolated: NDArray[np.bool_]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _all_distances(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    distances = np.array([np.sqrt(((wide - row) ** 2).sum(axis=1)) for row in wide])
    np.fill_diagonal(distances, np.inf)
    return distances


def squares(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Squared distances [Q, N] by direct difference."""
    return ((queries[:, None].astype(np.float64) - vectors[None].astype(np.float64)) ** 2).sum(axis=2)


def assert_no_nearer_row_is_left_out(found: Candidates, vectors: NDArray[np.float32], k: int) -> None:
    """For queries that are the first of the vectors: at least k rows, and every other one is as far as said."""
    truth = squares(vectors[: len(found.rows)], vectors)
    for query, line in enumerate(found.rows):
        kept = line[line >= 0]
        assert np.all(np.diff(kept) > 0)
        assert query not in kept
        assert len(kept) >= min(k, len(vectors) - 1)
        left_out = np.setdiff1d(np.arange(len(vectors)), [*kept, query])
        assert (truth[query, left_out] >= found.nearest_left_out[query]).all()


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Thousands of tiny searches, whose threads would only wait for each other on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def unit() -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
    """Rows scaled to length 1."""
    return _unit


@pytest.fixture(scope="session")
def all_distances() -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """Brute force in float64: every distance by direct difference [N, N], infinity to itself."""
    return _all_distances


@pytest.fixture(scope="session")
def geo() -> GeoCorpus:
    """The crowds are crowded and the isolated rows isolated, or nothing that uses it is worth running."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(4, 64))
    crowds = np.repeat(centres, 50, axis=0) + 0.35 * random.normal(size=(200, 64))
    vectors = _unit(np.vstack([crowds, random.normal(size=(50, 64))]))
    is_isolated = np.arange(250) >= 200
    tenth_nearest = np.sort(_all_distances(vectors), axis=1)[:, 9]
    assert tenth_nearest[is_isolated].min() > 1.9 * tenth_nearest[~is_isolated].max()
    return GeoCorpus(vectors, is_isolated)
