"""Integer arithmetic proposes all rows that can count, and says how near the others may be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.geometry import candidates, codes
from kat_ray.geometry.candidates import CodedShard
from kat_ray.geometry.neighbors import exact_neighbors
from tests.geometry.conftest import assert_no_nearer_row_is_left_out, squares

ROOM = 256


@pytest.fixture(params=["integers", "float32"])
def arithmetic(request, monkeypatch):
    """The products of this machine, and those of one whose products of integers are wrong."""
    if request.param == "float32":
        monkeypatch.setattr(codes, "_has_exact_integers", lambda width: False)


def find(vectors: np.ndarray, queries: np.ndarray, own_rows: np.ndarray, k: int) -> candidates.Candidates:
    shard = CodedShard(vectors, np.linalg.norm(vectors.astype(np.float64), axis=1))
    return shard.find(queries, np.linalg.norm(queries.astype(np.float64), axis=1), own_rows, k)


@pytest.mark.usefixtures("arithmetic")
@settings(max_examples=60, deadline=None)
@given(
    num_rows=st.integers(1, 400),
    dimension=st.sampled_from([1, 2, 17, 64]),
    spread=st.sampled_from([0.0, 1e-4, 0.1, 1.0]),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e4]),
    k=st.integers(1, 40),
    seed=st.integers(0, 999),
)
def test_no_row_that_is_left_out_is_nearer_than_said(num_rows, dimension, spread, scale, k, seed):
    random = np.random.default_rng(seed)
    centre = random.normal(size=dimension)
    vectors = (scale * (centre + spread * random.normal(size=(num_rows, dimension)))).astype(np.float32)
    queries, own_rows = vectors[:7], np.arange(len(vectors[:7]))
    found = find(vectors, queries, own_rows, k)
    assert_no_nearer_row_is_left_out(found, vectors, k)


@pytest.mark.usefixtures("arithmetic")
def test_few_rows_of_a_spread_corpus_are_proposed_and_they_suffice(unit):
    random = np.random.default_rng(0)
    vectors = unit(random.normal(size=(300, 24)) @ random.normal(size=(24, 384)))
    rows, nearest_left_out = find(vectors, vectors, np.arange(300), 5)
    assert (rows >= 0).sum(axis=1).mean() < 20
    tenth = np.sort(squares(vectors, vectors), axis=1)[:, 5]
    assert (nearest_left_out > tenth).all()


def test_more_equal_rows_than_there_is_room_for_are_told():
    vectors = np.repeat(np.eye(1, 32, dtype=np.float32), ROOM + 50, axis=0)
    rows, nearest_left_out = find(vectors, vectors[:1], np.array([0]), 5)
    assert (rows >= 0).sum() == ROOM
    assert nearest_left_out[0] <= 0.0


def test_products_in_float32_give_the_same_graph(monkeypatch, geo):
    by_integers = exact_neighbors(geo.vectors, 10)
    monkeypatch.setattr(codes, "_has_exact_integers", lambda width: False)
    by_floats = exact_neighbors(geo.vectors, 10)
    assert np.array_equal(by_integers.indices, by_floats.indices)
    assert np.array_equal(by_integers.distances, by_floats.distances)


def test_a_machine_that_adds_pairs_of_products_in_16_bits_is_found_out(monkeypatch, caplog):
    def saturating(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        products = (left.int() + 128)[:, :, None] * right.int()[None]
        pairs = products.reshape(len(left), -1, 2, right.shape[1]).sum(dim=2)
        return pairs.clamp(-(2**15), 2**15 - 1).sum(dim=1) - 128 * right.int().sum(dim=0)

    small = torch.tensor([[1, -2], [3, 4]], dtype=torch.int8)
    assert torch.equal(saturating(small, small), (small.int() @ small.int()).long())
    monkeypatch.setattr(torch, "_int_mm", saturating)
    codes._has_exact_integers.cache_clear()
    assert not codes._has_exact_integers(64)
    assert "several times slower" in caplog.text
    codes._has_exact_integers.cache_clear()
