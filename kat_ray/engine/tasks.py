"""Runs single tasks and whole attempts on the cluster, and recovers when workers are lost.

Knows Ray's errors and how they wrap ours; knows nothing of stages. A stage is resumed by its finished blocks, so
recovery is plain: look at what is left, plan for the cluster as it now is, run that. Ray repeats single tasks; actors
are not restarted by Ray, which would wait for ever for a node that is gone and repeat a deadly block without end.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import ray
import ray.exceptions
from ray.data.exceptions import ExecutionTimeoutError
from tqdm import tqdm

from kat_ray.errors import KatRayError, ResourceError

Result = TypeVar("Result")
Block = TypeVar("Block")

MAX_IDLE_ATTEMPTS = 6
"""Lost workers that a single task survives, and attempts in a row without a finished block that a stage survives."""
_END = object()
_ADVICE = re.compile(r"(: ')?\s*Failed to apply UDF transform.*", re.DOTALL)
"""On its own options; Ray Data adds it to a message, or puts it where an OSError has the name of its file."""


class WorkersLostError(Exception):
    """The cluster shrank under an attempt: plan again for what is left of it."""


LOST_WORKER_ERRORS = (
    WorkersLostError,
    ExecutionTimeoutError,
    ray.exceptions.RayActorError,
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.ObjectLostError,
    ray.exceptions.OutOfMemoryError,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call for a worker: with `num_gpus` it holds GPUs, else CPUs."""

    function: Callable[..., Any]
    arguments: tuple[object, ...]
    num_gpus: int = 0
    num_cpus: int = 1

    def start(self, **options: object) -> Any:
        """Submit; Ray itself repeats it when its worker is lost."""
        hardware = {"num_gpus": self.num_gpus, "num_cpus": 0} if self.num_gpus else {"num_cpus": self.num_cpus}
        # Given to `options` instead, Ray would give a process that has used a GPU to the next task, with its memory
        # there and its device, whatever that task's is.
        remote = ray.remote(max_retries=MAX_IDLE_ATTEMPTS, **hardware, **options)(self.function)
        return remote.remote(*self.arguments)


def run_task(function: Callable[..., Result], *arguments: object, num_gpus: int = 0) -> Result:
    """One call on a worker and its result.

    Raises:
        KatRayError: as raised by the function; ResourceError when its worker was lost again and again.
    """
    return cast(Result, _result(Call(function, arguments, num_gpus).start()))


def run_side_by_side(label: str, calls: Sequence[Call], unit: str = "tasks") -> list[Any]:
    """Several calls at once and their results in order, with a clock on stderr until the last one ends.

    Raises:
        KatRayError: as `run_task`, as soon as one call fails.
    """
    numbers = {call.start(): number for number, call in enumerate(calls)}
    results: list[Any] = [None] * len(calls)
    with progress_bar(label, len(calls), unit=unit) as bar:
        while numbers:
            ready, _ = ray.wait(list(numbers), timeout=bar.mininterval)
            for reference in ready:
                results[numbers.pop(reference)] = _result(reference)
            bar.update(len(ready))
            if not ready:
                bar.refresh()
    return results


def run_with_progress(
    label: str, calls: Sequence[Call], total: int, unit: str = "rows", at_once: int | None = None
) -> list[Any]:
    """Several generators, `at_once` of them (None: all that the cluster has room for), and their results in order.

    A generator yields how many of the `total` rows it has done since, as an int, or what it turns to, as a str; both
    are shown by a bar on stderr. What it yields besides is its result. It is repeated from its start when its worker
    is lost, so that it has to yield the same numbers again.

    Raises:
        KatRayError: as `run_task`, as soon as one call fails.
    """
    left = deque(enumerate(calls))
    streams: dict[Any, int] = {}
    results: list[Any] = [None] * len(calls)
    with progress_bar(label, total, unit=unit) as bar:
        while left or streams:
            while left and (at_once is None or len(streams) < at_once):
                number, call = left.popleft()
                streams[call.start(num_returns="streaming")] = number
            ready, _ = ray.wait(list(streams), timeout=bar.mininterval)
            for stream in ready:
                number = streams[stream]
                value = _next(stream)
                if value is _END:
                    del streams[stream]
                elif isinstance(value, int):
                    bar.update(value)
                elif isinstance(value, str):
                    bar.delay = 0.0  # now it is shown, and closing it has to end its line
                    bar.set_postfix_str(value)
                else:
                    results[number] = value
            if not ready:
                bar.refresh()
    return results


def run_attempts(
    stage: str, remaining: Callable[[], Sequence[Block]], attempt: Callable[[Sequence[Block]], None]
) -> None:
    """Call `attempt` on the blocks that `remaining` names, again after lost workers, until none is left.

    After an attempt that finished nothing, the next one has half of the blocks, then a quarter, from the one end or
    the other: so a block that kills its workers does not keep the others from being finished.

    Raises:
        KatRayError: as raised inside the blocks; ResourceError when MAX_IDLE_ATTEMPTS in a row finished no block, as
            with a block that kills every worker that reads it.
    """
    num_idle = 0
    blocks = remaining()
    while blocks:
        try:
            attempt(_window(blocks, num_idle))
        except LOST_WORKER_ERRORS as error:
            if getattr(error, "actor_init_failed", False):
                raise own_error(error) from error
            tqdm.write(f"{stage}: a worker was lost ({type(error).__name__}); going on with the rest.", file=sys.stderr)
        except Exception as error:
            raise own_error(error) from error
        left = remaining()
        num_idle = num_idle + 1 if len(left) >= len(blocks) else 0
        if num_idle == MAX_IDLE_ATTEMPTS:
            raise ResourceError(
                f"{stage}: {num_idle} attempts in a row lost their workers without finishing any of {len(left):,} "
                f"blocks, the first of them {left[0]}. Look at the memory of the nodes and at Ray's logs, then run "
                f"the same command again: finished blocks are kept."
            )
        blocks = left


def _window(blocks: Sequence[Block], num_idle: int) -> Sequence[Block]:
    size = max(1, len(blocks) >> num_idle)
    return blocks[-size:] if num_idle % 2 else blocks[:size]


def progress_bar(label: str, total: int, unit: str = "rows", initial: int = 0) -> tqdm[Any]:
    """A bar on stderr with rate and remaining time; calmer where stderr is a log."""
    interval, delay = (0.5, 0.0) if sys.stderr.isatty() else (10.0, 1.0)
    return tqdm(
        total=total,
        initial=initial,
        desc=label,
        unit=f" {unit}",
        mininterval=interval,
        delay=delay,  # without it a log has a line of 0 % for every stage
        ncols=79,
        file=sys.stderr,
    )


def own_error(error: BaseException) -> BaseException:
    """What a worker raised, out of Ray's error around it; a lost worker and what a system refuses are KatRayErrors."""
    chain = [error]
    while (cause := getattr(chain[-1], "cause", None) or chain[-1].__cause__) is not None:
        chain.append(cause)
    found = [seen for seen in chain if not isinstance(seen, ray.exceptions.RayError)]
    for seen in found:
        if isinstance(seen, KatRayError):
            return type(seen)(_ADVICE.sub("", str(seen)))
    if getattr(error, "actor_init_failed", False):
        return ResourceError(f"A worker cannot start: {str(error).strip().splitlines()[-1]}")
    if isinstance(error, LOST_WORKER_ERRORS):
        return ResourceError(f"A worker was lost and did not come back: {str(error).strip().splitlines()[0]}")
    for seen in found if isinstance(error, ray.exceptions.RayError) else ():
        if isinstance(seen, OSError):
            return ResourceError(f"A worker failed: {_ADVICE.sub('', str(seen))}.")
    return getattr(error, "cause", None) or error


def _next(stream: Any) -> Any:
    try:
        reference = next(stream)
    except StopIteration:
        return _END
    return _result(reference)


def _result(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        raise own_error(error) from error
