"""A cluster that lives as long as this process: safe on a machine with other users, and quick to start and to end.

Knows how Ray starts on one machine; `ray.init` itself stands in session.py.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import ray
from ray._private import ray_constants

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of this package, which workers import."""
_RAY_FOLDER = str(Path(ray.__file__).parent)
_KILL_SECONDS = 5.0
_KEPT_WORKERS = 8 + 2 * (os.cpu_count() or 1)
"""While there are no more processes than this, idle ones stay: two a CPU, since one stage follows the other, and Ray's
own. By default Ray ends them as soon as there are more than CPUs, and the next stage's import for a second."""


@contextmanager
def embedded_cluster() -> Iterator[dict[str, Any]]:
    """What to give to `ray.init` inside the block, so that it starts one."""
    os.environ.setdefault("RAY_num_workers_soft_limit", str(_KEPT_WORKERS))
    _protect()
    with _on_loopback(), _importable(), _whole_or_not_at_all():
        yield {"include_dashboard": False}
        _end_autoscaler()


def _protect() -> None:
    """A token of this process alone: Ray then asks for it, so no other user of the machine can join the cluster.

    Without one Ray would write a token into the home directory, which later clusters and drivers trip over.
    """
    if not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def _on_loopback() -> Iterator[None]:
    """The node takes 127.0.0.1 for its address, and Ray then binds its ports there, not on every interface.

    This is what RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 says, which Ray reads only while it is imported.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _importable() -> Iterator[None]:
    """Workers find this package where it is.

    A runtime environment could say so, too; but workers that Ray starts ahead have none, so they would be of no use.
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PACKAGE.parent), before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@contextmanager
def _whole_or_not_at_all() -> Iterator[None]:
    """End what a failed or interrupted start has left: `ray.shutdown` knows of no process until all of them run."""
    before = set(_ray_processes())
    try:
        yield
    except BaseException:
        if ray._private.worker._global_node is None:
            _kill([process for process in _ray_processes() if process not in before])
        raise


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=_KILL_SECONDS)


def _ray_processes() -> Iterator[psutil.Process]:
    """Children of this process that run programs of Ray; workers end with theirs."""
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any(word.startswith(_RAY_FOLDER) for word in process.cmdline()):
                yield process


def _end_autoscaler() -> None:
    """One machine does not grow, and at the end of a cluster Ray would wait a second for the autoscaler's process."""
    ray._private.worker._global_node.kill_monitor(check_alive=False)
