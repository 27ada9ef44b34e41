"""A lost worker costs an attempt, a deadly block is an error, and our own errors come through Ray whole."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import ray
import ray.exceptions
from ray import cloudpickle

from kat_ray.engine import tasks
from kat_ray.engine.session import session
from kat_ray.engine.tasks import (
    Call,
    WorkersLostError,
    own_error,
    run_attempts,
    run_side_by_side,
    run_task,
    run_with_progress,
)
from kat_ray.errors import EncoderError, InputError, ResourceError
from tests.engine.conftest import start_cluster

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Blocks:
    """Blocks 0 to count - 1, two workers, and blocks that kill the worker that takes them, with all other work."""

    def __init__(self, count: int, deadly: set[int], lost: Sequence[int] = ()) -> None:
        self.left = list(range(count))
        self.deadly, self.lost = deadly, list(lost)
        self.attempts = 0

    def remaining(self) -> list[int]:
        return list(self.left)

    def attempt(self, blocks: Sequence[int]) -> None:
        self.attempts += 1
        limit = self.lost.pop(0) if self.lost else len(blocks)
        for first in range(0, len(blocks), 2):
            wave = blocks[first : first + 2]
            if self.deadly.intersection(wave) or first >= limit:
                raise WorkersLostError("gone")
            self.left = [block for block in self.left if block not in wave]


def test_attempts_go_on_with_what_is_left_as_long_as_each_finishes_something() -> None:
    blocks = Blocks(30, set(), lost=[2] * 14)
    run_attempts("stage", blocks.remaining, blocks.attempt)
    assert (blocks.left, blocks.attempts) == ([], 15)


def test_finished_stages_are_not_attempted() -> None:
    blocks = Blocks(0, set())
    run_attempts("stage", blocks.remaining, blocks.attempt)
    assert blocks.attempts == 0


@pytest.mark.parametrize("deadly", [0, 1, 7, 40, 98, 99])
def test_a_deadly_block_is_an_error_that_names_it_when_all_others_are_finished(deadly: int) -> None:
    blocks = Blocks(100, {deadly})
    with pytest.raises(ResourceError, match=f"any of 1 blocks, the first of them {deadly}"):
        run_attempts("stage", blocks.remaining, blocks.attempt)
    assert blocks.left == [deadly]
    assert blocks.attempts < 30


def test_workers_that_always_die_are_an_error() -> None:
    blocks = Blocks(9, set(range(9)))
    with pytest.raises(ResourceError, match="9 blocks, the first of them 0"):
        run_attempts("stage", blocks.remaining, blocks.attempt)
    assert blocks.attempts == tasks.MAX_IDLE_ATTEMPTS


def test_a_fault_of_the_input_is_not_attempted_again() -> None:
    calls = []

    def attempt(blocks: Sequence[int]) -> None:
        calls.append(blocks)
        raise InputError("no such thing")

    with pytest.raises(InputError, match="no such thing"):
        run_attempts("stage", lambda: [1], attempt)
    assert len(calls) == 1


def square(number: int) -> int:
    return number * number


def refuse() -> None:
    raise EncoderError("This model is not one of ours.")


def crash_until(counter: Path, times: int) -> int:
    """Kills its own worker the first `times` times."""
    with counter.open("a") as stream:
        stream.write("x")
    if counter.stat().st_size <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return counter.stat().st_size


def test_our_errors_come_through_a_task_as_they_were_raised(joined: None) -> None:
    with pytest.raises(EncoderError) as caught:
        run_task(refuse)
    assert str(caught.value) == "This model is not one of ours."
    assert type(caught.value) is EncoderError


def open_nowhere() -> None:
    open("/nowhere/at/all").close()


def divide_by_zero() -> float:
    return 1 / 0


def test_errors_of_others_come_without_the_words_of_ray_around_them(joined: None) -> None:
    with pytest.raises(ResourceError, match=r"^A worker failed: .*directory: '/nowhere/at/all'\.$"):
        run_task(open_nowhere)
    with pytest.raises(ZeroDivisionError, match=r"^division by zero$"):
        run_task(divide_by_zero)


def test_our_errors_come_through_ray_data_as_they_were_raised(joined: None) -> None:
    with pytest.raises(Exception, match="model") as caught:
        ray.data.from_items([1]).map(lambda _: refuse()).take_all()
    assert str(own_error(caught.value)) == "This model is not one of ours."


def test_a_file_in_the_way_comes_through_ray_data_likewise(joined: None) -> None:
    with pytest.raises(Exception, match="nowhere") as caught:
        ray.data.from_items([1]).map(lambda _: open_nowhere()).take_all()
    found = own_error(caught.value)
    assert isinstance(found, ResourceError)
    assert str(found) == "A worker failed: [Errno 2] No such file or directory."


class Unstartable:
    def __init__(self) -> None:
        raise OSError("no such library")


def test_a_worker_that_cannot_start_is_an_error_at_once(joined: None) -> None:
    calls = []

    def attempt(blocks: Sequence[int]) -> None:
        calls.append(blocks)
        ray.get(ray.remote(Unstartable).remote().__ray_ready__.remote())

    with pytest.raises(ResourceError, match="cannot start: OSError: no such library"):
        run_attempts("stage", lambda: [1], attempt)
    assert len(calls) == 1


def test_errors_of_others_stay_what_they_are() -> None:
    for error in (ValueError("theirs"), FileNotFoundError("of no worker")):
        assert own_error(error) is error
    assert isinstance(own_error(ray.exceptions.WorkerCrashedError()), ResourceError)


def test_a_task_survives_workers_that_die(joined: None, tmp_path: Path) -> None:
    assert run_task(crash_until, tmp_path / "counter", 2) == 3


def test_a_task_that_always_kills_its_worker_is_an_error(
    joined: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MAX_IDLE_ATTEMPTS", 2)
    with pytest.raises(ResourceError, match="worker was lost"):
        run_task(crash_until, tmp_path / "counter", 1000)
    assert (tmp_path / "counter").stat().st_size == 3


def test_side_by_side_calls_answer_in_order_and_fail_at_the_first_fault(joined: None) -> None:
    assert run_side_by_side("numbers", [Call(square, (number,)) for number in (3, 1, 4)]) == [9, 1, 16]
    with pytest.raises(EncoderError):
        run_side_by_side("numbers", [Call(refuse, ()), Call(square, (7,))])


def count_to(number: int, counter: Path | None = None) -> Iterator[int | str | list[int]]:
    """In steps of one; with a counter its worker dies after two steps, the first time."""
    yield "counting"
    for step in range(number):
        if step == 2 and counter is not None:
            crash_until(counter, 1)
        yield 1
    yield [number]


def refuse_after_a_step() -> Iterator[int]:
    yield 1
    refuse()


def test_steps_of_generators_are_shown_and_their_results_come_in_order(
    joined: None, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_with_progress("numbers", [Call(count_to, (number,)) for number in (3, 1, 4)], 8) == [[3], [1], [4]]
    shown = capfd.readouterr().err
    assert "numbers: 100%" in shown
    assert "counting" in shown
    assert shown.endswith("\n")
    with pytest.raises(EncoderError, match="not one of ours"):
        run_with_progress("numbers", [Call(count_to, (2,)), Call(refuse_after_a_step, ())], 3)


def test_a_generator_whose_worker_dies_counts_its_steps_once(
    joined: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_with_progress("numbers", [Call(count_to, (5, tmp_path / "counter"))], 5) == [[5]]
    assert (tmp_path / "counter").stat().st_size == 2
    assert "5/5" in capfd.readouterr().err


def note_company(folder: Path, name: str) -> Iterator[int | list[int]]:
    """How many of these run, this one included, until it has looked often enough to have seen another one."""
    most = 0
    (folder / name).touch()
    for _ in range(20):
        most = max(most, len(list(folder.iterdir())))
        yield 1
        time.sleep(0.05)
    (folder / name).unlink()
    yield [most]


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_generators_run_than_are_asked_for_whatever_the_cluster_holds(
    joined: None, tmp_path: Path, at_once: int
) -> None:
    """Calls that hold no CPU are all started at once by Ray itself, as those on GPUs are."""
    calls = [Call(note_company, (tmp_path, str(number)), num_cpus=0) for number in range(4)]
    found = run_with_progress("company", calls, 80, at_once=at_once)
    assert max(most for (most,) in found) == at_once


def wait_to_be_killed() -> None:
    threading.Event().wait(60)


@pytest.mark.long
def test_a_task_that_always_runs_out_of_memory_is_an_error() -> None:
    """The node calls two percent of its memory too much, and kills whatever runs."""
    cluster = start_cluster({"num_cpus": 1}, memory_usage_threshold=0.02, memory_monitor_refresh_ms=100)
    try:
        with session(cluster.address), pytest.raises(ResourceError, match="running low on memory"):
            run_task(wait_to_be_killed)
    finally:
        cluster.shutdown()
