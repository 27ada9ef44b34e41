"""Runs single tasks and whole attempts on the cluster, and recovers when workers are lost.

Knows Ray's errors and how they wrap ours; knows nothing of stages. A stage is resumed by its finished blocks, so
recovery is plain: look at what is left, plan for the cluster as it now is, run that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import ray
import ray.exceptions
from tqdm import tqdm

from kat_ray.errors import KatRayError, ResourceError

Result = TypeVar("Result")
Block = TypeVar("Block")

MAX_ATTEMPTS = 6


class WorkersLostError(Exception):
    """The cluster shrank under an attempt: plan again for what is left of it."""


LOST_WORKER_ERRORS = (
    WorkersLostError,
    ray.exceptions.RayActorError,
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.ObjectLostError,
    ray.exceptions.OutOfMemoryError,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call for a worker: with `num_gpus` it holds GPUs, else a CPU."""

    function: Callable[..., Any]
    arguments: tuple[object, ...]
    num_gpus: int = 0

    def start(self) -> Any:
        """Submit; Ray itself retries it when its worker is lost."""
        hardware = {"num_gpus": self.num_gpus, "num_cpus": 0} if self.num_gpus else {"num_cpus": 1}
        return ray.remote(self.function).options(max_retries=MAX_ATTEMPTS, **hardware).remote(*self.arguments)


def run_task(function: Callable[..., Result], *arguments: object, num_gpus: int = 0) -> Result:
    """One call on a worker and its result.

    Raises:
        KatRayError: as raised by the function; ResourceError when its worker was lost again and again.
    """
    return cast(Result, _results([Call(function, arguments, num_gpus).start()])[0])


def run_side_by_side(label: str, calls: Sequence[Call]) -> list[Any]:
    """Several calls at once, with a clock on stderr until the last one ends; raises as `run_task`."""
    references = [call.start() for call in calls]
    waiting = references
    with progress_bar(label, len(calls), unit="tasks") as bar:
        while waiting:
            ready, waiting = ray.wait(waiting, timeout=bar.mininterval)
            bar.update(len(ready))
            bar.refresh()
    return _results(references)


def run_attempts(
    stage: str, remaining: Callable[[], Sequence[Block]], attempt: Callable[[Sequence[Block]], None]
) -> None:
    """Call `attempt` on the blocks that `remaining` names, again after lost workers, until none is left.

    Raises:
        KatRayError: as raised inside the blocks; ResourceError after MAX_ATTEMPTS without finishing.
    """
    for _ in range(MAX_ATTEMPTS):
        blocks = remaining()
        if not blocks:
            return
        try:
            attempt(blocks)
        except LOST_WORKER_ERRORS as error:
            tqdm.write(f"{stage}: a worker was lost ({type(error).__name__}); going on with the rest.", file=sys.stderr)
        except ray.exceptions.RayError as error:
            raise own_error(error) from error
    if remaining():
        raise ResourceError(
            f"{stage}: workers were lost in {MAX_ATTEMPTS} attempts. Look at the memory of the nodes, then run "
            f"the same command again: finished blocks are kept."
        )


def progress_bar(label: str, total: int, unit: str = "rows", initial: int = 0) -> tqdm[Any]:
    """A bar on stderr with rate and remaining time; calmer where stderr is a log."""
    interval = 0.5 if sys.stderr.isatty() else 10.0
    return tqdm(
        total=total, initial=initial, desc=label, unit=f" {unit}", mininterval=interval, ncols=79, file=sys.stderr
    )


def own_error(error: BaseException) -> BaseException:
    """The KatRayError inside a Ray error, without Ray's copy of the traceback; the error itself when there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, KatRayError) and not isinstance(seen, ray.exceptions.RayError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    if isinstance(error, LOST_WORKER_ERRORS):
        return ResourceError(f"A worker was lost and did not come back: {str(error).strip().splitlines()[0]}")
    return error


def _results(references: list[Any]) -> list[Any]:
    try:
        return list(ray.get(references))
    except ray.exceptions.RayError as error:
        raise own_error(error) from error
