"""Joins a Ray cluster or starts an embedded one, and says what it offers.

Knows addresses and logging; knows nothing of stages. `ray.init` stands here alone.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ray

from kat_ray.engine.embedded import PACKAGE, embedded_cluster
from kat_ray.errors import ResourceError
from kat_ray.storage import Location

Device = Literal["auto", "cpu", "gpu"]
CONNECT_SECONDS = 5.0
OUT_OF_MEMORY_RETRIES = 3
"""How often a task is tried again after its node ran out of memory; Ray by itself tries for ever."""
NO_PROGRESS_SECONDS = 7200
"""Longest time that one block may take on one worker; slow encoders need minutes, a stuck one is given up."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the joined cluster declares: logical CPUs and GPUs over its living nodes."""

    num_nodes: int
    num_cpus: int
    num_gpus: int

    def num_devices(self, device: Literal["cpu", "gpu"]) -> int:
        """Workers that the cluster can hold at once, one CPU or GPU each."""
        return self.num_gpus if device == "gpu" else self.num_cpus

    def __str__(self) -> str:
        return f"{self.num_nodes} node(s), {self.num_cpus} CPU(s), {self.num_gpus} GPU(s)"


@contextmanager
def session(address: str | None = None, packages: Sequence[Path] = ()) -> Iterator[Cluster]:
    """Join the cluster at `address`, else the one in RAY_ADDRESS, else start an embedded one for the block's length.

    An embedded cluster listens on loopback alone. A running one gets a copy of this package and of the folders of
    `packages`, unless this is a submitted job, which brings its own folder.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # Ray's own log files keep the rest
    os.environ.setdefault("RAY_task_oom_retries", str(OUT_OF_MEMORY_RETRIES))
    os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")  # with another `print` numba compiles no UMAP in this process
    is_nested = ray.is_initialized()
    try:
        _connect(resolve_address(address), packages)
        _configure_data()
        yield current_cluster()
    finally:
        if not is_nested:  # which is refused, and must not end the outer one
            ray.shutdown()


def resolve_address(address: str | None) -> str:
    """The address that a session joins; "local" is an embedded cluster of its own."""
    return address or os.environ.get("RAY_ADDRESS") or "local"


def current_cluster() -> Cluster:
    """The cluster as it stands now: nodes may have come or gone since the start."""
    living = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return Cluster(
        num_nodes=len(living),
        num_cpus=int(sum(resources.get("CPU", 0) for resources in living)),
        num_gpus=int(sum(resources.get("GPU", 0) for resources in living)),
    )


def resolve_device(device: Device, wait_seconds: float = 0.0) -> Literal["cpu", "gpu"]:
    """The device class to place on; "auto" takes GPUs where the cluster declares some.

    Raises:
        ResourceError: asked-for hardware is not there, or did not come within `wait_seconds` of autoscaling.
    """
    if device == "auto":
        return "gpu" if current_cluster().num_gpus else "cpu"
    _require(device, 1, wait_seconds)
    return device


def count_workers(device: Literal["cpu", "gpu"], requested: int | None = None, wait_seconds: float = 0.0) -> int:
    """How many actors of one CPU or GPU may run side by side: those asked for, else all that the cluster holds now.

    Raises:
        ResourceError: more were asked for than there are, or came within `wait_seconds`; or there are none.
    """
    _require(device, requested or 1, wait_seconds)
    return requested or current_cluster().num_devices(device)


def require_shared(locations: Sequence[Location]) -> None:
    """Refuse paths that the workers cannot see.

    Raises:
        ResourceError: a local path on several nodes, or a relative one in a submitted job (its folder is a copy).
    """
    num_nodes = current_cluster().num_nodes
    for location in locations:
        if location.is_local and num_nodes > 1:
            raise ResourceError(
                f"{location.uri} is a path of one machine, but the cluster has {num_nodes} nodes that do not share it. "
                f"Use storage that every node reaches, such as s3://bucket/folder."
            )
        if location.is_local and _is_submitted() and not location.uri.startswith(("/", "file://")):
            raise ResourceError(
                f"{location.uri} is a relative path in a submitted job, which runs in a temporary copy of its folder. "
                f"Use an absolute path or a URI such as s3://bucket/folder."
            )


def _connect(target: str, packages: Sequence[Path]) -> None:
    _require_reachable(target)
    starting: AbstractContextManager[dict[str, Any]] = embedded_cluster() if target == "local" else nullcontext({})
    try:
        with _native_lines_held(), starting as options:
            ray.init(
                address=target,
                logging_level="ERROR",
                log_to_driver=False,
                runtime_env=_runtime_env(target, packages),
                **options,
            )
    except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:  # Ray ends the process at a foreign port
        reason = (str(error).strip().splitlines() or [""])[0]
        raise ResourceError(f"Cannot join Ray at {target}: {reason} Check the address and RAY_AUTH_MODE.") from error


def _require_reachable(target: str) -> None:
    """Ask the port before Ray does, which tries for minutes."""
    host, _, port = target.rpartition(":")
    if "://" in target or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise ResourceError(
            f"Nothing answers at {target}: {error}. Start a cluster there with `ray start --head`, correct --address "
            f"or RAY_ADDRESS, or leave both out for an embedded cluster."
        ) from error


@contextmanager
def _native_lines_held() -> Iterator[None]:
    """Keep what Ray's native part writes while it starts off the terminal; show it when the start fails."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _runtime_env(target: str, packages: Sequence[Path]) -> dict[str, object] | None:
    """A running cluster gets a copy of this package; jobs bring their folder, and an embedded cluster sees ours."""
    return None if _is_submitted() or target == "local" else {"py_modules": [str(PACKAGE), *map(str, packages)]}


def _is_submitted() -> bool:
    return bool(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR"))


def _configure_data() -> None:
    """Ray Data keeps its bars and its tracebacks of lost workers to its log file: the stages have their own words."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True
    context.execution_no_progress_timeout_s = NO_PROGRESS_SECONDS
    logger = logging.getLogger("ray.data")
    logger.setLevel(logging.ERROR)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.CRITICAL)


def _require(device: Literal["cpu", "gpu"], count: int, wait_seconds: float) -> None:
    if current_cluster().num_devices(device) >= count or (wait_seconds and _await(device, count, wait_seconds)):
        return
    found = current_cluster()
    raise ResourceError(
        f"Asked for {count} {device.upper()}(s), but the cluster has {found.num_devices(device)} ({found}). "
        f"Add nodes that declare them, pass --wait-seconds to let an autoscaler bring them, or ask for less."
    )


def _await(device: Literal["cpu", "gpu"], count: int, wait_seconds: float) -> bool:
    """Let an autoscaler know, and look once a second whether the devices have come."""
    from ray.autoscaler.sdk import request_resources

    deadline = time.monotonic() + wait_seconds
    request_resources(bundles=[{device.upper(): 1}] * count)
    try:
        while current_cluster().num_devices(device) < count:
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))
        return True
    finally:
        request_resources(bundles=[])  # the request would outlive this job and keep the nodes for ever
