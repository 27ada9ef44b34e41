"""A list holds the best that were shown to it, whatever their order, and rounds bring neighbors of neighbors."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.geometry.codes import Codes, Multiplier, encode
from kat_ray.geometry.nearest_lists import NearestLists


def coded(num_rows: int, seed: int = 0) -> Codes:
    vectors = np.random.default_rng(seed).normal(size=(num_rows, 32)).astype(np.float32)
    return encode(vectors, np.linalg.norm(vectors.astype(np.float64), axis=1))


def scores(codes: Codes) -> np.ndarray:
    """Of all pairs; minus infinity of a row with itself."""
    rebuilt = codes.codes.numpy().astype(np.float64) * codes.scales[:, None]
    found = rebuilt @ rebuilt.T - codes.halves
    np.fill_diagonal(found, -np.inf)
    return found


def show(lists: NearestLists, codes: Codes, own: np.ndarray, ids: np.ndarray) -> None:
    held = codes.take(ids)
    lists.keep(Multiplier(1 << 16)(codes.codes[own], held.codes), own, codes.scales[own], held, ids)


@settings(max_examples=50, deadline=None)
@given(num_rows=st.integers(2, 150), size=st.integers(1, 30), seed=st.integers(0, 99))
def test_the_best_of_all_that_were_shown_are_kept_best_first(num_rows, size, seed):
    random, codes = np.random.default_rng(seed), coded(num_rows, seed)
    lists, rows = NearestLists(num_rows, size), np.arange(num_rows)
    for part in np.array_split(random.permutation(num_rows), 3):
        if len(part):
            show(lists, codes, rows, np.sort(part))
            show(lists, codes, rows, np.sort(part))
    all_scores = scores(codes)
    kept = min(size, num_rows - 1)
    best = -np.sort(-all_scores, axis=1)[:, :kept]
    np.testing.assert_allclose(np.take_along_axis(all_scores, lists.rows[:, :kept].astype(int), 1), best, atol=1e-4)
    assert (lists.rows[:, kept:] == -1).all()
    assert (np.diff(np.sort(lists.rows[:, :kept], axis=1), axis=1) > 0).all()


def test_only_the_lists_that_are_named_are_written():
    codes, lists = coded(100), NearestLists(100, 5)
    show(lists, codes, np.array([7, 70]), np.arange(100))
    assert np.flatnonzero((lists.rows >= 0).any(axis=1)).tolist() == [7, 70]


def test_what_is_not_full_is_filled_with_the_row_itself():
    codes, lists = coded(100), NearestLists(100, 3)
    show(lists, codes, np.array([7]), np.array([9, 4]))
    assert lists.ascending(np.array([7, 8])).tolist() == [[4, 7, 9], [8, 8, 8]]


def test_rounds_lead_to_nearer_rows_and_end_by_finding_nothing_new():
    codes, lists = coded(400), NearestLists(400, 20)
    for seed in range(12):
        part = np.sort(np.random.default_rng(seed).permutation(400)[:80])
        show(lists, codes, part, part)
    best = np.argsort(-scores(codes), axis=1)[:, :10]
    before = np.mean([np.isin(best[row], lists.rows[row]).mean() for row in range(400)])
    shares = [lists.refine(codes, 15) for _ in range(8)]
    after = np.mean([np.isin(best[row], lists.rows[row]).mean() for row in range(400)])
    assert shares[0] > 0.1
    assert shares[-1] == 0.0
    assert after > before + 0.3


def test_a_round_looks_both_ways_along_an_edge():
    codes, lists = coded(4), NearestLists(4, 3)
    show(lists, codes, np.array([0]), np.array([1]))
    show(lists, codes, np.array([2]), np.array([1]))
    lists.refine(codes, 15)
    assert set(lists.rows[0].tolist()) == {1, 2, -1}
    assert set(lists.rows[2].tolist()) == {1, 0, -1}
    assert lists.rows[3].tolist() == [-1, -1, -1]
