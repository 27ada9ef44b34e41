"""Joins a Ray cluster or starts an embedded one, and says what it offers.

Knows addresses, authentication and logging; knows nothing of stages. `ray.init` stands here alone.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ray

from kat_ray.errors import ResourceError
from kat_ray.storage import Location

Device = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the joined cluster declares: logical CPUs and GPUs over its living nodes."""

    num_nodes: int
    num_cpus: int
    num_gpus: int

    def __str__(self) -> str:
        return f"{self.num_nodes} node(s), {self.num_cpus} CPU(s), {self.num_gpus} GPU(s)"


@contextmanager
def session(address: str | None = None) -> Iterator[Cluster]:
    """Join the cluster at `address`, else the one in RAY_ADDRESS, else start an embedded one for the block's length."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # Ray's own log files keep the rest
    target = address or os.environ.get("RAY_ADDRESS") or "local"
    if target == "local":
        _protect_embedded_cluster()
    _connect(target)
    try:
        _configure_data()
        yield current_cluster()
    finally:
        ray.shutdown()


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
    deadline = time.monotonic() + wait_seconds
    if wait_seconds and not _num_devices(device):
        from ray.autoscaler.sdk import request_resources

        request_resources(bundles=[{device.upper(): 1}])
    while not _num_devices(device):
        if time.monotonic() >= deadline:
            raise ResourceError(
                f"No {device.upper()} in the cluster ({current_cluster()}). Add a node that declares one, pass "
                f"--wait-seconds to let an autoscaler bring one, or choose another --device."
            )
        time.sleep(1.0)
    return device


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


def _protect_embedded_cluster() -> None:
    """A token of this process alone: Ray then asks for it, so no other user of the machine can join the cluster.

    Without one Ray would write a token into the home directory, which later clusters and drivers trip over.
    """
    if not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _connect(target: str) -> None:
    local = {"include_dashboard": False} if target == "local" else {}
    try:
        ray.init(
            address=target,
            logging_level="ERROR",
            log_to_driver=False,
            runtime_env=_runtime_env(target),
            **local,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ResourceError(f"Cannot join Ray at {target}: {reason} Check the address and RAY_AUTH_MODE.") from error


def _runtime_env(target: str) -> dict[str, object] | None:
    """Workers import this package: jobs bring their folder, an embedded cluster sees ours, others get a copy."""
    package = Path(__file__).resolve().parents[1]
    if _is_submitted():
        return None
    if target == "local":
        return {"env_vars": {"PYTHONPATH": str(package.parent)}}
    return {"py_modules": [str(package)]}


def _is_submitted() -> bool:
    return bool(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR"))


def _configure_data() -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_no_progress_timeout_s = 600
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _num_devices(device: Literal["cpu", "gpu"]) -> int:
    cluster = current_cluster()
    return cluster.num_gpus if device == "gpu" else cluster.num_cpus
