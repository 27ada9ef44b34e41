"""Seconds go to the part that spent them."""

from __future__ import annotations

import pytest

import benchmark.figures.clock
from benchmark.figures.clock import Clock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    time = [0.0]
    monkeypatch.setattr(benchmark.figures.clock.time, "perf_counter", lambda: time[0])
    return time


def test_a_part_inside_another_is_not_counted_twice(now, capsys):
    clock = Clock()
    with clock.part("layout"):
        now[0] += 1.0
        with clock.part("whole build"):
            now[0] += 10.0
        now[0] += 2.0
    assert clock.seconds == {"whole build": 10.0, "layout": 3.0}
    assert clock.elapsed == 13.0
    assert "whole build: 10.0 s" in capsys.readouterr().err


def test_a_part_that_fails_is_counted_too(now):
    clock = Clock()

    def fail() -> None:
        with clock.part("map"):
            now[0] += 4.0
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert clock.seconds == {"map": 4.0}
