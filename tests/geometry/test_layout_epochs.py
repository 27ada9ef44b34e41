"""The optimization is a function of its arguments, pulls neighbors together, and is as good as umap-learn's."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.sparse import csr_array

from kat_ray.geometry.layout import _import_umap
from kat_ray.geometry.layout_epochs import optimize
from kat_ray.geometry.layout_quality import trustworthiness
from kat_ray.geometry.neighbors import exact_neighbors

umap = _import_umap()
CURVE = umap.find_ab_params(1.0, 0.1)


@pytest.fixture(scope="module")
def mixture(unit) -> np.ndarray:
    """1,200 unit rows in 30 crowds of different width."""
    random = np.random.default_rng(5)
    crowds = random.normal(size=(30, 40))[np.arange(1200) % 30]
    return unit(crowds + random.uniform(0.2, 0.8, size=(30, 1))[np.arange(1200) % 30] * random.normal(size=(1200, 40)))


@pytest.fixture(scope="module")
def graph(mixture) -> csr_array:
    found = exact_neighbors(mixture, 14)
    rows = np.arange(len(mixture))[:, None]
    indices = np.hstack([rows, found.indices]).astype(np.int32)
    distances = np.hstack([np.zeros(rows.shape), found.distances]).astype(np.float32)
    random = np.random.RandomState(1)
    made = umap.fuzzy_simplicial_set(mixture, 15, random, "euclidean", knn_indices=indices, knn_dists=distances)
    return made[0].tocsr()


def start(num_points: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 10, size=(num_points, 3)).astype(np.float32)


def test_the_number_of_threads_does_not_change_a_bit(graph):
    allowed = numba.get_num_threads()
    try:
        layouts = []
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            layouts.append(optimize(start(1200), graph, *CURVE, seed=3))
    finally:
        numba.set_num_threads(allowed)
    assert np.array_equal(*layouts)


def test_another_seed_gives_another_layout_and_the_start_is_left_alone(graph):
    begun = start(1200)
    first, second = (optimize(begun, graph, *CURVE, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first, second)
    assert np.array_equal(begun, start(1200))


def test_neighborhoods_are_kept_at_least_as_well_as_by_umap_learn(mixture, graph):
    sample = np.arange(len(mixture))
    ours = optimize(start(len(mixture)), graph, *CURVE, seed=1)
    theirs, _ = umap.simplicial_set_embedding(
        mixture, graph.copy(), 3, 1.0, *CURVE, 1.0, 5, None, start(len(mixture)), np.random.RandomState(1),
        "euclidean", {}, False, {}, False, parallel=False,
    )  # fmt: skip
    found, expected = (trustworthiness(mixture, layout.astype(np.float32), sample) for layout in (ours, theirs))
    assert found >= expected - 0.005
    assert found > trustworthiness(mixture, start(len(mixture)), sample) + 0.2


def test_points_without_edges_stay():
    empty = csr_array((50, 50), dtype=np.float32)
    begun = start(50)
    assert np.array_equal(optimize(begun, empty, *CURVE, seed=0), begun)


def test_two_ends_of_an_edge_come_close_and_strangers_do_not():
    ends = np.array([0, 1, 2, 3]), np.array([1, 0, 3, 2])
    pairs = csr_array((np.ones(4, np.float32), ends), shape=(4, 4))
    layout = optimize(start(4), pairs, *CURVE, seed=0)
    near = np.linalg.norm(layout[0] - layout[1]), np.linalg.norm(layout[2] - layout[3])
    assert max(near) < 2.0 < np.linalg.norm(layout[0] - layout[2])
