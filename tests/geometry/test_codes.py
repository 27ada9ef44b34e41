"""Vectors are what their codes and rests say, and products of codes are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.geometry import codes
from kat_ray.geometry.codes import CHUNK, Multiplier, encode


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors.astype(np.float64), axis=1)


@settings(max_examples=60, deadline=None)
@given(
    num_rows=st.integers(1, 90),
    dimension=st.sampled_from([1, 15, 16, 33, 384]),
    scale=st.sampled_from([1e-30, 1.0, 1e4]),
    seed=st.integers(0, 99),
)
def test_a_vector_is_its_code_times_its_scale_and_a_rest_of_the_length_told(num_rows, dimension, scale, seed):
    vectors = (scale * np.random.default_rng(seed).normal(size=(num_rows, dimension))).astype(np.float32)
    held = encode(vectors, lengths_of(vectors))
    rebuilt = held.codes.numpy()[:, :dimension].astype(np.float64) * held.scales[:, None]
    np.testing.assert_allclose(lengths_of(vectors - rebuilt), held.rests, rtol=1e-6, atol=1e-38)
    assert (held.rests <= np.sqrt(dimension) * held.scales * 0.5001).all()


@pytest.mark.parametrize("is_exact", [True, False])
def test_products_are_those_of_whole_numbers(monkeypatch, is_exact):
    monkeypatch.setattr(codes, "_has_exact_integers", lambda width: is_exact)
    vectors = np.random.default_rng(0).normal(size=(80, 40)).astype(np.float32)
    held = encode(vectors, lengths_of(vectors), CHUNK)
    numbers = held.codes.numpy().astype(np.int64)
    products = Multiplier(128 * 128)(held.codes[:7], held.codes)
    assert np.array_equal(products, numbers[:7] @ numbers.T)


def test_rows_are_taken_with_all_that_belongs_to_them_and_what_fills_up_is_never_near():
    vectors = np.random.default_rng(0).normal(size=(80, 40)).astype(np.float32)
    held, rows = encode(vectors, lengths_of(vectors)), np.array([70, 3, 3])
    taken = held.take(rows)
    assert len(taken.codes) == len(taken.scales) == len(taken.halves) == CHUNK
    assert np.array_equal(taken.codes[:3], held.codes[rows])
    for name in ("scales", "halves"):
        assert np.array_equal(getattr(taken, name)[:3], getattr(held, name)[rows])
    assert np.array_equal(taken.lengths, held.lengths[rows])
    assert np.array_equal(taken.rests, held.rests[rows])
    assert np.isinf(taken.halves[3:]).all()
