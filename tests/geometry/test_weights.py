"""Rare rows get more, whatever the options; weights are probabilities; targets and caps hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from kat_ray.errors import InputError
from kat_ray.geometry.density import mean_distances
from kat_ray.geometry.diagnostics import effective_sample_size
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.geometry.weights import WeightConfig, crowding_of, loss_weights, power_for_ess, weights, weights_of

CONFIGS = [
    WeightConfig(),
    WeightConfig(power=4.0),
    WeightConfig(power=8.0, cap=3.0),
    WeightConfig(target_ess=0.6),
    WeightConfig(estimator="similarity"),
    WeightConfig(estimator="similarity", power=2.0, cap=20.0),
]
crowdings = arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-3, 1e6))


@pytest.fixture(scope="module")
def distances(geo):
    return exact_neighbors(geo.vectors, 20).distances


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_isolated_rows_get_more_than_twice_the_weight_of_crowded_ones(geo, distances, config):
    values = weights(distances, 10, config).values
    assert values[geo.is_isolated].mean() / values[~geo.is_isolated].mean() > 2.0
    assert values[geo.is_isolated].min() >= values[~geo.is_isolated].max()


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("num_rows", [1, 2, 5, 15])
def test_weights_are_probabilities_even_of_equal_rows_and_of_few(config, num_rows):
    equal = np.repeat(np.eye(1, 8, dtype=np.float32), num_rows, axis=0)
    if config.target_ess is not None:
        config = WeightConfig(target_ess=1.0)
    values = weights(exact_neighbors(equal, 10).distances, 10, config).values
    np.testing.assert_allclose(values, 1.0 / num_rows, rtol=1e-12)


def test_weight_at_power_one_ranks_exactly_as_mean_distance(distances):
    correlation = spearmanr(weights(distances, 10).values, mean_distances(distances, 10)).statistic
    assert correlation == pytest.approx(1.0, abs=1e-12)


def test_power_one_is_mean_distance_and_power_zero_is_uniform(distances):
    means = mean_distances(distances, 10) + 1e-6
    np.testing.assert_allclose(weights(distances, 10).values, means / means.sum(), rtol=1e-12)
    assert np.ptp(weights(distances, 10, WeightConfig(power=0.0)).values) == 0.0


def test_similarity_weight_of_a_hand_worked_example():
    distances = np.sqrt(2.0 - 2.0 * np.array([[0.9, 0.7], [0.2, 0.0], [-0.5, -0.9]]))
    raw = 1.0 / (1e-3 + np.array([0.8, 0.1, 0.0]))
    np.testing.assert_allclose(
        weights(distances, 2, WeightConfig(estimator="similarity")).values, raw / raw.sum(), rtol=1e-9
    )


def test_the_inverted_weights_of_published_code_are_had_only_by_name(geo, distances):
    values = weights(distances, 10, WeightConfig(compat_inverted_weights=True)).values
    assert values[geo.is_isolated].max() < values[~geo.is_isolated].min()


def test_permuting_rows_permutes_weights_and_rotation_keeps_them(geo, distances):
    random = np.random.default_rng(0)
    order = random.permutation(len(geo.vectors))
    plain = weights(distances, 10).values
    permuted = weights(exact_neighbors(geo.vectors[order], 10).distances, 10).values
    np.testing.assert_allclose(permuted, plain[order], rtol=1e-12)
    rotation = np.linalg.qr(random.normal(size=(64, 64)))[0]
    rotated = weights(exact_neighbors((geo.vectors @ rotation).astype(np.float32), 10).distances, 10).values
    np.testing.assert_allclose(rotated, plain, rtol=1e-5)


@pytest.mark.parametrize("row", [3, 120, 230])
@pytest.mark.parametrize("estimator", ["distance", "similarity"])
def test_moving_a_row_away_never_lowers_its_weight(geo, row, estimator):
    vectors = np.hstack([geo.vectors, np.zeros((250, 1), np.float32)])
    before = 0.0
    for angle in np.linspace(0.0, np.pi / 2, 7):
        moved = vectors.copy()
        moved[row] = np.cos(angle) * vectors[row]
        moved[row, -1] = np.sin(angle)
        now = weights(exact_neighbors(moved, 10).distances, 10, WeightConfig(estimator=estimator)).values[row]
        assert now >= before * (1 - 1e-9)
        before = now


@given(crowding=crowdings, power=st.floats(0, 1000), cap=st.none() | st.floats(1, 50))
def test_weights_are_positive_finite_sum_to_one_and_fall_with_crowding(crowding, power, cap):
    values = weights_of(crowding, power, cap)
    assert np.isfinite(values).all()
    assert (values > 0).all()
    assert abs(values.sum() - 1.0) < 1e-9
    assert (np.diff(values[np.argsort(crowding, kind="stable")]) <= 1e-15).all()


@given(crowding=crowdings, power=st.floats(0, 20), cap=st.floats(1, 50))
@example(crowding=np.array([9.0, 1.0]), power=1.0, cap=1.2)
def test_cap_bounds_largest_over_median_and_changes_nothing_else(crowding, power, cap):
    capped, free = weights_of(crowding, power, cap), weights_of(crowding, power)
    assert capped.max() / np.median(capped) <= cap * (1 + 1e-9)
    if free.max() / np.median(free) <= cap:
        np.testing.assert_allclose(capped, free, rtol=1e-12)
    else:
        assert capped.max() / np.median(capped) == pytest.approx(cap)


@settings(max_examples=30)
@given(target=st.floats(0.25, 1.0), cap=st.none() | st.floats(30, 90))
def test_found_power_reaches_the_target_effective_sample_size(distances, target, cap):
    found = weights(distances, 10, WeightConfig(target_ess=target, cap=cap))
    assert effective_sample_size(found.values) == pytest.approx(target, abs=1e-6)
    np.testing.assert_allclose(found.values, weights(distances, 10, WeightConfig(found.power, cap)).values)


def test_effective_sample_size_falls_as_power_grows(distances):
    crowding = crowding_of(distances, 10, WeightConfig())
    shares = [effective_sample_size(weights_of(crowding, power)) for power in (0, 0.5, 1, 2, 4, 8, 16)]
    assert shares[0] == 1.0
    assert (np.diff(shares) < 0).all()


def test_a_target_out_of_reach_is_refused_with_the_reachable_range():
    with pytest.raises(InputError, match=r"can be 1\.000 N to 1 N"):
        power_for_ess(np.ones(10), 0.5)
    with pytest.raises(InputError, match=r"cap of 2.*can be 0\.\d+ N to 1 N"):
        power_for_ess(np.linspace(1, 9, 100), 0.01, cap=2.0)


@pytest.mark.parametrize("wrong", [{"power": -1}, {"cap": 0.5}, {"target_ess": 0.0}, {"target_ess": 1.5}, {"eps": 0.0}])
def test_nonsense_in_a_config_is_refused_early(wrong):
    with pytest.raises(InputError, match="expected"):
        WeightConfig(**wrong)


def test_one_unmapped_pair_does_not_dominate():
    pair_weights = np.full(64, 1 / 28_000)
    pair_weights[9] = np.nan
    assert loss_weights(pair_weights)[9] / loss_weights(pair_weights).sum() == pytest.approx(1 / 64)


def test_loss_weights_of_a_hand_worked_example():
    raw = np.array([1e-5, 3e-5, np.nan, 8e-5])
    np.testing.assert_allclose(loss_weights(raw, mode="none"), [0.25, 0.75, 1.0, 2.0])
    np.testing.assert_allclose(loss_weights(raw, cap=1.5, mode="none"), [0.25, 0.75, 1.0, 1.5])
    np.testing.assert_allclose(loss_weights(raw, cap=1.5), np.array([0.25, 0.75, 1.0, 1.5]) / 0.875)
    assert np.array_equal(loss_weights(raw, mode="sum"), loss_weights(raw, mode="mean"))
    assert loss_weights(np.full(3, np.nan)).tolist() == [1.0, 1.0, 1.0]
    assert loss_weights(np.array([])).tolist() == []


@pytest.mark.parametrize("wrong", [[-1.0, 1.0], [np.inf, 1.0], [0.0, np.nan]])
def test_loss_weights_refuse_what_is_no_weight(wrong):
    with pytest.raises(InputError, match="finite"):
        loss_weights(np.array(wrong))
