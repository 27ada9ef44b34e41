from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kat_ray.client.chi_square import critical, noncentrality, survival
from kat_ray.errors import InputError


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 8, 9, 30, 101])
def test_survival_is_that_of_the_reference_down_to_the_smallest_chances(degrees):
    values = np.concatenate([[1e-9, 1e-3], np.linspace(0.1, 3 * degrees + 40, 60), [300.0, 1300.0]])
    ours = [survival(float(value), degrees) for value in values]
    np.testing.assert_allclose(ours, stats.chi2.sf(values, degrees), rtol=1e-11, atol=1e-300)


def test_survival_is_one_at_nothing_and_zero_far_out():
    assert survival(0.0, 9) == 1.0
    assert survival(-1.0, 9) == 1.0
    assert survival(1e6, 9) == 0.0


def test_no_degree_of_freedom_is_refused():
    with pytest.raises(InputError, match="at least 1 degree"):
        survival(1.0, 0)


@pytest.mark.parametrize("degrees", [1, 4, 9])
@pytest.mark.parametrize("chance", [0.5, 0.05, 1e-3, 1e-6])
def test_critical_is_where_the_chance_is_reached(degrees, chance):
    assert critical(chance, degrees) == pytest.approx(stats.chi2.isf(chance, degrees), rel=1e-9)


@pytest.mark.parametrize("degrees", range(1, 13))
def test_a_shift_is_noticed_in_99_of_100_or_slightly_more(degrees):
    power = stats.ncx2.sf(stats.chi2.isf(1e-3, degrees), degrees, noncentrality(1e-3, degrees))
    assert 0.985 < power < 0.999
