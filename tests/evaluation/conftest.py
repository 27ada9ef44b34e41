"""Sets of vectors whose verdict is known before anything is measured, and plain references to hold the code against."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from kat_ray.evaluation.relevance import Relevance


class PlantedSet(NamedTuple):
    """Query vectors float32 [Nq, D], document vectors float32 [Nd, D], and who is relevant to whom."""

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]
    relevance: Relevance


def _cosines(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = [vectors.astype(np.float64) for vectors in (queries, documents)]
    first, second = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in wide)
    return np.array([[row @ other for other in second] for row in first])


def _several(seed: int, num_queries: int = 40, num_documents: int = 60, dimension: int = 8) -> PlantedSet:
    random = np.random.default_rng(seed)
    drawn = [random.permutation(num_documents)[: random.integers(1, 6)].tolist() for _ in range(num_queries)]
    cuts = [random.integers(1, len(rows) + 1) for rows in drawn]
    relevance = Relevance.of(
        [rows[:cut] for rows, cut in zip(drawn, cuts, strict=True)],
        num_documents=num_documents,
        hard_negatives=[rows[cut:] for rows, cut in zip(drawn, cuts, strict=True)],
    )
    queries, documents = (random.normal(size=(rows, dimension)) for rows in (num_queries, num_documents))
    return PlantedSet(queries.astype(np.float32), documents.astype(np.float32), relevance)


@pytest.fixture(scope="session")
def cosines() -> Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float64]]:
    """All similarities [Nq, Nd], one by one in float64."""
    return _cosines


@pytest.fixture(scope="session")
def several() -> Callable[..., PlantedSet]:
    """From a seed (and sizes) a random set whose queries have one to five relevant documents and hard negatives."""
    return _several


@pytest.fixture(scope="session")
def planted() -> PlantedSet:
    """60 queries, each close to its own document and far from all others, or nothing that uses it is worth running."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(60, 64))
    queries, documents = ((centres + 0.25 * random.normal(size=centres.shape)).astype(np.float32) for _ in range(2))
    similarities = _cosines(queries, documents)
    own = np.diag(similarities)
    assert own.min() > 0.85
    assert (similarities - 2.0 * np.diag(own)).max() < 0.6
    return PlantedSet(queries, documents, Relevance.diagonal(60))


@pytest.fixture(scope="session")
def chance() -> PlantedSet:
    """60 queries whose vectors have nothing to do with those of the documents."""
    random = np.random.default_rng(8)
    queries, documents = (random.normal(size=(60, 64)).astype(np.float32) for _ in range(2))
    return PlantedSet(queries, documents, Relevance.diagonal(60))


@pytest.fixture(scope="session")
def collapsed() -> PlantedSet:
    """An encoder that gives each of 60 texts the same vector, up to its length."""
    random = np.random.default_rng(9)
    vectors = random.normal(size=(1, 37)) * random.uniform(0.5, 2.0, size=(60, 1))
    return PlantedSet(vectors.astype(np.float32), vectors[::-1].astype(np.float32), Relevance.diagonal(60))
