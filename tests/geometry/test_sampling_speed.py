"""Draws in process against what numpy offers, at the size of a real corpus: printed as a table."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from kat_ray.geometry.sampling import CumulativeTable, draw

pytestmark = pytest.mark.long

NUM_PROMPTS, NUM_DRAWS, RATIO = 253_110, 1_000_000, 8.0


def best_seconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def test_independent_draws_are_many_times_as_fast_as_numpy(capsys: pytest.CaptureFixture[str]) -> None:
    weights = np.random.default_rng(0).gamma(2.0, size=NUM_PROMPTS)
    weights /= weights.sum()
    generator, table = np.random.default_rng(1), CumulativeTable(weights)
    seconds = {
        "numpy Generator.choice(p=)": best_seconds(lambda: generator.choice(NUM_PROMPTS, NUM_DRAWS, p=weights)),
        "with replacement": best_seconds(lambda: draw(table, NUM_DRAWS, "with_replacement", seed=1)),
        "systematic": best_seconds(lambda: draw(weights, NUM_DRAWS, "systematic", seed=1)),
        "making the table, once": best_seconds(lambda: CumulativeTable(weights)),
    }
    slow = seconds["numpy Generator.choice(p=)"]
    with capsys.disabled():
        print(f"\n{NUM_DRAWS:,} draws of {NUM_PROMPTS:,} prompts")
        for name, value in seconds.items():
            print(f"{name:<28}{value * 1e3:>8.1f} ms{slow / value:>8.1f} x")
    assert slow / seconds["with replacement"] >= RATIO
