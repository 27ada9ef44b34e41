"""The shard of a GPU, here on the CPU: it leaves out nothing that counts and measures to the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.errors import ResourceError
from kat_ray.geometry import tensor_shard
from kat_ray.geometry.distances import nearest_of
from kat_ray.geometry.neighbors import ExactIndex, exact_neighbors
from kat_ray.geometry.tensor_shard import TensorShard, _largest
from tests.geometry.conftest import assert_no_nearer_row_is_left_out


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors.astype(np.float64), axis=1)


def shard_of(vectors: np.ndarray) -> TensorShard:
    return TensorShard(vectors, lengths_of(vectors), device="cpu")


@settings(max_examples=60, deadline=None)
@given(
    num_rows=st.integers(1, 300),
    dimension=st.sampled_from([1, 17, 64]),
    spread=st.sampled_from([0.0, 1e-4, 0.1, 1.0]),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e4]),
    k=st.integers(1, 40),
    seed=st.integers(0, 999),
)
def test_no_row_that_is_left_out_is_nearer_than_said(num_rows, dimension, spread, scale, k, seed):
    random = np.random.default_rng(seed)
    centre = random.normal(size=dimension)
    vectors = (scale * (centre + spread * random.normal(size=(num_rows, dimension)))).astype(np.float32)
    queries = vectors[:7]
    found = shard_of(vectors).find(queries, lengths_of(queries), np.arange(len(queries)), k)
    assert_no_nearer_row_is_left_out(found, vectors, k)


@pytest.mark.parametrize("dimension", [1, 31, 32, 384])
@pytest.mark.parametrize("k", [3, 50])
def test_distances_have_the_bits_of_the_other_way(dimension, k):
    random = np.random.default_rng(dimension)
    vectors = random.normal(size=(200, dimension)).astype(np.float32)
    vectors[50:60] = vectors[40:50]
    queries, own_rows = vectors[30:70], np.arange(30, 70)
    candidates = np.sort(np.array([random.permutation(200)[:40] for _ in range(40)]), axis=1)
    candidates[::3, 25:] = -1
    expected = nearest_of(queries, own_rows, vectors, candidates, k)
    found = shard_of(vectors).measure(queries, own_rows, candidates, k)
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])


@given(
    width=st.integers(1, 700),
    count=st.integers(1, 90),
    values=st.sampled_from([3, 1000]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_the_largest_are_found_in_two_steps(width, count, values, seed):
    scores = torch.tensor(np.random.default_rng(seed).integers(0, values, (5, width)), dtype=torch.float32)
    count = min(count, width)
    found, columns = _largest(scores, count)
    assert torch.equal(found.sort(dim=1).values, scores.topk(count, dim=1).values.sort(dim=1).values)
    assert torch.equal(scores.gather(1, columns), found)
    assert all(len(set(line)) == count for line in columns.tolist())


@pytest.mark.parametrize("kind", ["spread", "repeated"])
def test_the_graph_is_that_of_the_cpu_over_several_tiles(kind, monkeypatch, unit):
    random = np.random.default_rng(1)
    vectors = random.normal(size=(900, 48))
    vectors = unit(vectors[random.integers(0, 90, 900)] if kind == "repeated" else vectors)
    expected = exact_neighbors(vectors, 12)
    monkeypatch.setattr(tensor_shard, "_TILE_ROWS", 200)
    monkeypatch.setattr(tensor_shard, "TensorShard", OnTheCpu)
    found = exact_neighbors(vectors, 12, block_rows=300, shard_rows=500, device="gpu")
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.distances, expected.distances)


class OnTheCpu(TensorShard):
    """For a test of all but the device."""

    def __init__(self, vectors: np.ndarray, lengths: np.ndarray) -> None:
        super().__init__(vectors, lengths, device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_an_error_and_not_a_fall_back():
    with pytest.raises(ResourceError, match="PyTorch sees none"):
        ExactIndex(np.eye(8, dtype=np.float32), device="gpu")
