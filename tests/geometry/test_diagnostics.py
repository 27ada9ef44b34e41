"""The numbers of the card, on weightings whose numbers are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.geometry.diagnostics import (
    diagnose,
    effective_sample_size,
    effective_sample_size_curve,
    intrinsic_dimension,
)
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.geometry.weights import weights_of


def test_uniform_weights_are_even_in_every_number():
    numbers = diagnose(np.full(100, 0.01), np.arange(100.0))
    assert numbers.effective_sample_size == pytest.approx(1.0)
    assert numbers.max_over_median == pytest.approx(1.0)
    assert numbers.gini == pytest.approx(0.0, abs=1e-12)
    assert numbers.quartile_mass == pytest.approx((0.25, 0.25, 0.25, 0.25))


def test_numbers_of_a_hand_worked_weighting():
    numbers = diagnose(np.array([0.1, 0.2, 0.3, 0.4]), np.array([4.0, 3.0, 2.0, 1.0]))
    assert numbers.effective_sample_size == pytest.approx(1 / (4 * 0.30))
    assert numbers.gini == pytest.approx(0.25)
    assert numbers.max_over_median == pytest.approx(1.6)
    assert numbers.quartile_mass == pytest.approx((0.4, 0.3, 0.2, 0.1))


def test_one_row_with_everything_has_the_least_effective_sample_size():
    values = np.r_[1.0, np.full(999, 1e-12)]
    assert effective_sample_size(values) == pytest.approx(1e-3, rel=1e-6)
    assert diagnose(values, np.arange(1000.0)).gini > 0.99
    assert effective_sample_size(np.array([1.0])) == 1.0


def test_the_curve_is_the_effective_sample_size_at_each_power():
    crowding = np.random.default_rng(0).gamma(5.0, size=400)
    curve = effective_sample_size_curve(crowding)
    assert list(curve) == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert curve[4.0] == effective_sample_size(weights_of(crowding, 4.0))
    assert list(curve.values()) == sorted(curve.values(), reverse=True)


@pytest.mark.parametrize("dimension", [2, 5])
def test_intrinsic_dimension_is_that_of_the_plane_the_data_lie_in(dimension):
    random = np.random.default_rng(1)
    flat = random.uniform(size=(3000, dimension)) @ np.linalg.qr(random.normal(size=(40, dimension)))[0].T
    distances = exact_neighbors(flat.astype(np.float32), 15).distances
    assert intrinsic_dimension(distances) == pytest.approx(dimension, rel=0.15)


def test_duplicates_do_not_change_the_intrinsic_dimension():
    points = np.random.default_rng(1).uniform(size=(2000, 3)).astype(np.float32)
    doubled = np.vstack([points, points[:500], points[:500] + np.float32(1e-6)])
    plain, with_copies = (intrinsic_dimension(exact_neighbors(p, 15).distances) for p in (points, doubled))
    assert with_copies == pytest.approx(plain, rel=0.1)


@pytest.mark.parametrize("distances", [np.zeros((1, 0)), np.zeros((20, 10)), np.ones((20, 10)), np.ones((2, 1))])
def test_intrinsic_dimension_is_none_when_distances_do_not_tell(distances):
    assert intrinsic_dimension(distances) is None
