"""The two numbers of the comparison against scipy and sets, their intervals against fresh draws."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from kat_ray.errors import InputError
from kat_ray.evaluation import rarity
from kat_ray.evaluation.rarity import compare_rarity, prompt_weights
from kat_ray.geometry.weights import WeightConfig


def _related(seed: int, count: int, noise: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    first = random.gamma(2.0, size=count)
    second = first * np.exp(noise * random.normal(size=count))
    return first / first.sum(), second / second.sum()


def _rarest(weights: NDArray[np.float64]) -> set[int]:
    return set(np.argsort(-weights)[: len(weights) // 10].tolist())


def test_the_numbers_are_those_of_scipy_and_of_sets():
    new, baseline = _related(1, 500, 0.5)
    found = compare_rarity(new, baseline, resamples=50)
    assert found.rank_correlation.value == pytest.approx(spearmanr(new, baseline).statistic, abs=1e-12)
    overlap = len(_rarest(new) & _rarest(baseline)) / 50
    assert found.top_decile_overlap.value == pytest.approx(overlap, abs=1e-12)
    for measure in found:
        assert measure.low < measure.value < measure.high


def test_equal_weights_among_others_share_their_rank():
    random = np.random.default_rng(2)
    new, baseline = (random.integers(1, 6, size=200).astype(float) for _ in range(2))
    found = compare_rarity(new, baseline, resamples=2)
    assert found.rank_correlation.value == pytest.approx(spearmanr(new, baseline).statistic, abs=1e-12)


def test_the_same_weights_change_nobody_and_the_opposite_ones_change_all():
    new, _ = _related(3, 100, 0.0)
    same, opposite = compare_rarity(new, 3 * new, resamples=20), compare_rarity(new, 1 / new, resamples=20)
    assert [number for measure in same for number in measure] == pytest.approx([1.0] * 6)
    assert (opposite.rank_correlation.value, opposite.top_decile_overlap.value) == pytest.approx((-1.0, 0.0))


def test_unrelated_weights_overlap_as_chance_has_it():
    random = np.random.default_rng(4)
    found = compare_rarity(random.random(4000), random.random(4000), resamples=200)
    assert found.rank_correlation.low < 0.0 < found.rank_correlation.high
    assert found.top_decile_overlap.low < 0.1 < found.top_decile_overlap.high


def test_an_encoder_that_gives_all_the_same_weight_ranks_nobody():
    found = compare_rarity(np.full(100, 0.01), _related(5, 100, 0.0)[0], resamples=10)
    assert all(np.isnan(number) for measure in found for number in measure)


def test_where_more_than_a_tenth_share_the_edge_nobody_can_say_who_is_rare():
    tied = np.ones(100)
    tied[:2] = 2.0, 3.0
    assert np.isnan(compare_rarity(tied, tied[::-1], resamples=5).top_decile_overlap.value)
    few = np.arange(100.0)
    few[85:95] = 90.0  # ten over the edge of the tenth, five of them within
    assert compare_rarity(few, few, resamples=5).top_decile_overlap.value == pytest.approx(1.0)


def test_a_prompt_that_is_drawn_often_is_no_tie():
    """Of 20 prompts of different weights no draw is lost: the interval is the one of all 200."""
    values = np.random.default_rng(1).permutation(20).astype(float)
    orders = rarity._Order(values), rarity._Order(values[::-1])
    random = np.random.default_rng(2)
    overlaps = [rarity._compare(*orders, rarity._drawn(random, 20))[1] for _ in range(200)]
    assert np.isfinite(overlaps).all()


def test_a_cap_changes_no_order_but_makes_many_look_equally_rare(planted):
    rows = planted.documents / np.linalg.norm(planted.documents, axis=1, keepdims=True)
    capped, plain = (prompt_weights(rows, 5, WeightConfig(power=4.0, cap=cap)) for cap in (1.1, None))
    assert len(np.unique(plain)) == len(rows)
    assert (np.diff(capped[np.argsort(plain)]) >= 0).all()
    assert (capped == capped.max()).mean() > 0.1


def test_it_is_symmetric_and_repeats():
    new, baseline = _related(6, 300, 0.4)
    assert compare_rarity(new, baseline, resamples=30) == compare_rarity(new, baseline, resamples=30)
    for one, other in zip(
        compare_rarity(new, baseline, resamples=30), compare_rarity(baseline, new, resamples=30), strict=True
    ):
        assert tuple(one) == pytest.approx(tuple(other))


def test_intervals_are_as_wide_as_fresh_prompts_make_the_numbers_vary():
    """Their width is that of the middle 95 % of the numbers over new prompts, to a third."""
    fresh = [compare_rarity(*_related(seed, 400, 0.5), resamples=1) for seed in range(100, 300)]
    intervals = [compare_rarity(*_related(seed, 400, 0.5), resamples=200) for seed in range(4)]
    for number in range(2):
        low, high = np.percentile([found[number].value for found in fresh], (2.5, 97.5))
        width = float(np.mean([found[number].high - found[number].low for found in intervals]))
        assert width == pytest.approx(high - low, rel=1 / 3)


def test_prompt_weights_are_those_of_the_geometry():
    random = np.random.default_rng(7)
    vectors = random.normal(size=(60, 8)).astype(np.float32)
    vectors[:20] = vectors[0] + 0.05 * random.normal(size=(20, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = prompt_weights(vectors, 5, WeightConfig(power=2.0))
    assert found.sum() == pytest.approx(1.0)
    assert found[:20].max() < found[20:].min()
    distances = np.sort(np.linalg.norm(vectors[:, None].astype(float) - vectors[None], axis=2), axis=1)[:, 1:6]
    by_hand = (distances.mean(axis=1) + 1e-6) ** 2
    np.testing.assert_allclose(found, by_hand / by_hand.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("new", "baseline", "message"),
    [
        (np.ones(3), np.ones(4), "baseline weights has 4 rows, expected 3"),
        (np.array([1.0, np.nan]), np.ones(2), "weights holds NaN"),
        (np.ones(1), np.ones(1), "There are 1 prompts"),
    ],
)
def test_weights_that_cannot_be_compared_are_refused(new, baseline, message):
    with pytest.raises(InputError, match=message):
        compare_rarity(new, baseline)
    with pytest.raises(InputError, match="There are 1 prompts"):
        prompt_weights(np.ones((1, 4), np.float32), 5, WeightConfig())
