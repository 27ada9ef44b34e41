from __future__ import annotations

import random
from collections.abc import Callable
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from kat_ray.client.retries import Answer, NoAnswerError, Retries
from kat_ray.errors import InputError, ServiceUnavailableError

NOW = 1_800_000_000.0


class Clock:
    """Time that passes only by sleeping, and by tries that take some."""

    def __init__(self) -> None:
        self.seconds, self.pauses = 0.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    fake = SimpleNamespace(monotonic=lambda: clock.seconds, sleep=clock.sleep, time=lambda: NOW + clock.seconds)
    monkeypatch.setattr("kat_ray.client.retries.time", fake)
    return clock


def answers(*script: int | Answer | str, clock: Clock | None = None, seconds: float = 0.0) -> Callable[[float], Answer]:
    """Tries that take some seconds and end with these statuses, answers, or reasons for there being none."""
    left = list(script)

    def attempt(seconds_left: float) -> Answer:
        if clock is not None:
            clock.seconds += min(seconds, seconds_left)
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, str):
            raise NoAnswerError(step)
        return Answer(step, {}, b"") if isinstance(step, int) else step

    return attempt


@pytest.mark.parametrize("status", [200, 204, 206, 304, 307, 400, 401, 403, 404, 409, 413, 422])
def test_an_answer_that_would_not_change_is_taken_at_once(status, clock):
    assert Retries().run(answers(status), "it").status == status
    assert clock.pauses == []


@pytest.mark.parametrize("trouble", [408, 429, 500, 502, 503, 504, "the connection broke off"])
def test_trouble_that_may_pass_is_tried_again(trouble, clock):
    assert Retries().run(answers(trouble, trouble, 200), "it").status == 200
    assert len(clock.pauses) == 2


def test_the_last_reason_is_told_with_the_number_of_tries(clock):
    with pytest.raises(
        ServiceUnavailableError, match=r"The service is not available: no answer within 3 s\. Tried 3 t"
    ):
        Retries(count=2).run(answers("no answer within 3 s"), "the service")


def test_pauses_are_drawn_at_random_below_a_limit_that_doubles(clock):
    first, rounds = [], 200
    for _ in range(rounds):
        clock.seconds, clock.pauses = 0.0, []
        with pytest.raises(ServiceUnavailableError):
            Retries(count=6, first_pause_seconds=0.5, longest_pause_seconds=4.0).run(answers(503), "it")
        limits = [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
        assert all(0.0 <= pause <= limit for pause, limit in zip(clock.pauses, limits, strict=True))
        first.append(clock.pauses[0])
    assert len(set(first)) == rounds
    assert 0.15 < sum(first) / rounds < 0.35


def test_the_trainers_random_numbers_stay_untouched(clock):
    random.seed(7)
    before = random.getstate()
    Retries().run(answers(503, 503, 200), "it")
    assert random.getstate() == before


@pytest.mark.parametrize("header", ["7", formatdate(NOW + 7, usegmt=True)])
def test_the_service_is_given_the_time_that_it_asks_for(header, clock):
    Retries().run(answers(Answer(503, {"retry-after": header}, b""), 200), "it")
    assert 7.0 <= clock.pauses[0] <= 7.25


@pytest.mark.parametrize("header", ["soon", "-3", "", "9" * 40, formatdate(NOW - 90, usegmt=True), "\u0663"])
def test_a_strange_wish_for_time_is_no_wish(header, clock):
    Retries().run(answers(Answer(503, {"retry-after": header}, b""), 200), "it")
    assert clock.pauses[0] <= 0.25


def test_a_wait_beyond_the_total_is_not_begun(clock):
    busy = Answer(429, {"retry-after": "3600"}, b"")
    with pytest.raises(ServiceUnavailableError, match="asks to wait 3,600 s"):
        Retries(total_seconds=60.0).run(answers(busy), "it")
    assert clock.pauses == []


@pytest.mark.parametrize("seconds", [0.0, 3.0, 20.0, 90.0])
def test_all_tries_and_pauses_together_end_within_the_total(seconds, clock):
    retries = Retries(count=50, first_pause_seconds=5.0, total_seconds=60.0)
    with pytest.raises(ServiceUnavailableError):
        retries.run(answers("nothing", clock=clock, seconds=seconds), "it")
    assert clock.seconds <= 60.0


@pytest.mark.parametrize("options", [{"count": -1}, {"first_pause_seconds": -0.1}, {"total_seconds": 0.0}])
def test_impossible_retries_are_refused(options):
    with pytest.raises(InputError):
        Retries(**options)
