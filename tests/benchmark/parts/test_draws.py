"""Draws that do not follow the weights are not fast draws."""

from __future__ import annotations

import numpy as np

import benchmark.parts.draws
from benchmark.parts.draws import compare_draws

WEIGHTS = np.random.default_rng(0).gamma(2.0, size=3_000)
WEIGHTS /= WEIGHTS.sum()


def test_true_draws_pass_their_gate():
    found = compare_draws(WEIGHTS, 60_000)
    assert [one.bar for one in found.measures] == [">= 8x", ">= 15x", "", ">= 0.0001"]
    assert not found.doubts


def test_draws_without_weights_are_refused(monkeypatch):
    even = np.random.default_rng(5)
    monkeypatch.setattr(benchmark.parts.draws, "draw", lambda rows, n, *_, **__: even.integers(0, len(WEIGHTS), n))
    told = compare_draws(WEIGHTS, 60_000).told()
    assert [one.passed for one in told] == [False, False, None, False]
