"""Draws follow the weights, and are a function of weights and seed alone, however the rows are split."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from kat_ray.errors import SamplingError
from kat_ray.geometry.sampling import (
    CumulativeTable,
    draw,
    epoch_seed,
    gumbel_keys,
    merge_top_keys,
    systematic,
    top_keys,
    with_replacement,
    without_replacement,
)

FIVE = np.array([0.05, 0.1, 0.15, 0.3, 0.4])
columns = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1e3)).filter(lambda column: column.sum() > 1e-3)


def test_ordered_draws_without_replacement_occur_as_enumeration_says():
    orders = list(permutations(range(5), 3))
    expected = np.array([np.prod([FIVE[o[i]] / (1 - FIVE[list(o[:i])].sum()) for i in range(3)]) for o in orders])
    assert expected.sum() == pytest.approx(1.0)
    draws = 20_000
    keys = gumbel_keys(np.tile(FIVE, draws), 0, seed=11).reshape(draws, 5)
    drawn = np.argsort(-keys, axis=1)[:, :3] @ [25, 5, 1]
    observed = np.array([(drawn == order @ np.array([25, 5, 1])).sum() for order in np.array(orders)])
    assert chisquare(observed, expected * draws).pvalue > 1e-3


def test_the_draw_is_the_rows_by_descending_key():
    weights = np.random.default_rng(0).gamma(1.0, size=500)
    keys = gumbel_keys(weights, 0, seed=5)
    assert np.array_equal(without_replacement(weights, 40, seed=5), np.argsort(-keys)[:40])


@given(weights=columns, cuts=st.lists(st.integers(0, 60), max_size=4), seed=st.integers(0, 2**64 - 1))
def test_any_sharding_gives_the_same_draw(weights, cuts, seed):
    n = int(np.count_nonzero(weights))
    edges = sorted({0, len(weights), *(cut for cut in cuts if cut < len(weights))})
    parts = [
        top_keys(gumbel_keys(weights[start:stop], start, seed), start, n)
        for start, stop in pairwise(edges)
        if weights[start:stop].sum() > 0
    ]
    merged = reduce(lambda left, right: merge_top_keys(left, right, n), reversed(parts))
    assert np.array_equal(merged.rows, without_replacement(weights, n, seed))


def test_a_draw_without_replacement_is_distinct_and_never_takes_weight_zero():
    weights = np.array([0.0, 1.0, 0.0, 2.0, 1e-300])
    assert sorted(without_replacement(weights, 3, seed=1).tolist()) == [1, 3, 4]
    with pytest.raises(SamplingError, match="Cannot draw 4 distinct rows: 3 rows"):
        without_replacement(weights, 4, seed=1)


def test_isolated_rows_are_over_represented_among_the_first_drawn():
    weights = np.r_[np.full(200, 1.0), np.full(50, 3.0)]
    shares = [(without_replacement(weights, 50, seed) >= 200).mean() for seed in range(200)]
    assert np.mean(shares) > 0.35


@pytest.mark.parametrize("draw", [without_replacement, systematic, with_replacement])
def test_a_seed_fixes_the_draw_and_another_changes_it(draw):
    weights = np.random.default_rng(0).gamma(1.0, size=300)
    assert np.array_equal(draw(weights, 200, 1), draw(weights, 200, 1))
    assert not np.array_equal(draw(weights, 200, 1), draw(weights, 200, 2))


def _inverse_of_the_running_sum(weights: np.ndarray, n: int, seed: int, start: int = 0) -> np.ndarray:
    """What the draw promises, in its plainest form: Philox words, uniforms of 52 bits, a binary search."""
    words = np.random.Philox(key=seed | (5 << 64)).random_raw(start + n)[start:]
    steps = np.cumsum(weights)
    points = ((words >> np.uint64(12)) + 0.5) * 2.0**-52 * steps[-1]
    last = int(np.flatnonzero(np.diff(steps, prepend=0.0))[-1])
    return np.minimum(np.searchsorted(steps, points, side="right"), last)


@settings(max_examples=300)
@given(weights=columns, seed=st.integers(0, 2**64 - 1), start=st.integers(0, 9), power=st.integers(0, 40))
def test_draws_with_replacement_are_those_of_a_binary_search_bit_for_bit(weights, seed, start, power):
    weights = weights**power * 10.0 ** -(3 * power)
    if weights.sum() > 0:
        expected = _inverse_of_the_running_sum(weights, 300, seed, start)
        assert np.array_equal(CumulativeTable(weights).draw(300, seed, start), expected)


@pytest.mark.parametrize("first", [0.0, 1e-300, 1e-18])
def test_rows_in_front_that_no_number_falls_on_are_passed(first):
    weights = np.r_[np.full(600, first), np.ones(400), np.zeros(50)]
    expected = _inverse_of_the_running_sum(weights, 5000, 3)
    assert expected.min() == 600
    assert np.array_equal(CumulativeTable(weights).draw(5000, 3), expected)


@pytest.mark.parametrize("num_rows", [1, 2, 3, 1000, 65_536, 65_537])
@pytest.mark.parametrize("skew", [0.05, 1.0, 50.0])
def test_long_draws_are_those_of_a_binary_search_bit_for_bit(num_rows, skew):
    weights = np.random.default_rng(num_rows).gamma(skew, size=num_rows)
    weights[::3] = 0.0 if num_rows > 1 else 1.0
    n = 150_001
    assert np.array_equal(CumulativeTable(weights).draw(n, 7), _inverse_of_the_running_sum(weights, n, 7))


def test_many_rows_in_the_share_of_one_bin_are_found_by_search():
    weights = np.r_[1e9, np.full(100_000, 1e-3), 1e9]
    n = 200_000
    rows = CumulativeTable(weights).draw(n, 0)
    assert np.array_equal(rows, _inverse_of_the_running_sum(weights, n, 0))
    alone = np.r_[1.0, np.full(5_000, 1e-7), 1.0]
    drawn = CumulativeTable(alone).draw(500_000, 0)
    assert ((drawn > 100) & (drawn < 5_000)).any(), "rows far behind the start of their bin"
    assert np.array_equal(drawn, _inverse_of_the_running_sum(alone, 500_000, 0))


def test_draws_from_a_quarter_of_a_million_prompts_follow_the_weights():
    weights = np.random.default_rng(5).gamma(3.0, size=253_110)
    observed = np.bincount(CumulativeTable(weights).draw(4_000_000, 1), minlength=len(weights))
    assert chisquare(observed, 4e6 * weights / weights.sum()).pvalue > 1e-3


@pytest.mark.parametrize("method", ["systematic", "with_replacement", "without_replacement"])
def test_a_draw_is_fixed_by_seed_and_epoch_whether_or_not_the_table_is_made(method):
    weights = np.random.default_rng(0).gamma(1.0, size=300)
    table = CumulativeTable(weights)
    first = draw(weights, 200, method, seed=1, epoch=4)
    assert np.array_equal(first, draw(table, 200, method, seed=1, epoch=4))
    for seed, epoch in ((1, 5), (2, 4), (4, 1)):
        assert not np.array_equal(first, draw(table, 200, method, seed, epoch))


def test_a_draw_is_its_method_with_the_seed_of_the_epoch():
    mixed = epoch_seed(3, 2)
    assert np.array_equal(draw(FIVE, 9, "systematic", 3, 2), systematic(FIVE, 9, mixed))
    assert np.array_equal(draw(FIVE, 3, "without_replacement", 3, 2), without_replacement(FIVE, 3, mixed))
    assert np.array_equal(draw(FIVE, 9, "with_replacement", 3, 2), with_replacement(FIVE, 9, mixed))


def test_seeds_of_epochs_are_the_same_on_every_machine_and_differ():
    assert epoch_seed(0, 0) == 0x0E7494F907A55052
    assert epoch_seed(np.int64(0), np.uint64(0)) == epoch_seed(0, 0)
    assert len({epoch_seed(seed, epoch) for seed in range(40) for epoch in range(40)}) == 1600
    assert all(0 <= epoch_seed(seed, 2**64 - 1) < 2**64 for seed in (0, 42, 2**64 - 1))


def test_an_unknown_method_seed_or_epoch_is_refused():
    with pytest.raises(SamplingError, match="no draw 'alias'; expected systematic"):
        draw(FIVE, 1, "alias", 0)
    with pytest.raises(SamplingError, match="seed is -1"):
        draw(FIVE, 1, "systematic", -1)
    with pytest.raises(SamplingError, match="epoch is 18446744073709551616"):
        draw(FIVE, 1, "systematic", 0, 2**64)


def test_ten_million_draws_with_replacement_follow_the_weights():
    weights = np.random.default_rng(2).gamma(0.7, size=1000) + 1e-3
    observed = np.bincount(with_replacement(weights, 10_000_000, seed=3), minlength=1000)
    assert chisquare(observed, 1e7 * weights / weights.sum()).pvalue > 1e-3


def test_draws_with_replacement_resume_anywhere():
    whole = with_replacement(FIVE, 1000, seed=9)
    for start in (0, 1, 2, 3, 4, 501):
        assert np.array_equal(with_replacement(FIVE, 100, seed=9, start_draw=start), whole[start : start + 100])


def test_draws_with_replacement_never_take_weight_zero():
    weights = np.array([0.0, 1.0, 0.0, 1e-12, 0.0])
    assert set(with_replacement(weights, 10_000, seed=0)) <= {1, 3}


@settings(max_examples=200)
@given(weights=columns, n=st.integers(0, 500), seed=st.integers(0, 1000))
def test_systematic_resampling_gives_floor_or_ceil_copies(weights, n, seed):
    expected = n * weights / weights.sum()
    rows = systematic(weights, n, seed)
    copies = np.bincount(rows, minlength=len(weights))
    assert len(rows) == n
    assert (copies >= np.floor(expected - 1e-9)).all()
    assert (copies <= np.ceil(expected + 1e-9)).all()


def test_systematic_remainders_follow_the_weights():
    copies = sum(np.bincount(systematic(FIVE, 7, seed), minlength=5) for seed in range(4000))
    np.testing.assert_allclose(copies / 4000, 7 * FIVE, atol=0.04)


def test_systematic_copies_are_spread_over_the_list():
    weights = np.r_[10.0, np.ones(90)]
    places = np.flatnonzero(systematic(weights, 100, seed=4) == 0)
    assert len(places) == 10
    assert np.diff(places).max() <= 25
    assert places[0] < 15
    assert places[-1] >= 85


@pytest.mark.parametrize("draw", [without_replacement, systematic, with_replacement])
@pytest.mark.parametrize("wrong", [[], [0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0], [1e308, 1e308]])
def test_weights_that_cannot_be_drawn_from_are_refused(draw, wrong):
    with pytest.raises(SamplingError, match="finite, not negative"):
        draw(np.array(wrong), 1, 0)


def test_a_negative_count_or_seed_is_refused():
    with pytest.raises(SamplingError, match="-1 rows"):
        with_replacement(FIVE, -1, 0)
    with pytest.raises(SamplingError, match="seed is -1"):
        without_replacement(FIVE, 2, -1)
