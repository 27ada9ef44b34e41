from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from serve.once import Once


def test_a_value_is_made_once_however_many_ask_at_the_same_time():
    made = []
    all_here = threading.Barrier(8)

    def make() -> int:
        made.append(1)
        return len(made)

    once = Once(make)

    def ask(_: int) -> int:
        all_here.wait()
        return once()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [1] * 8
    assert made == [1]


def test_nothing_is_made_before_it_is_asked_for():
    Once(pytest.fail)


def test_a_failure_is_not_kept():
    outcomes = iter([ValueError("no"), "a value"])

    def make() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    once = Once(make)
    with pytest.raises(ValueError, match="no"):
        once()
    assert once() == once() == "a value"
