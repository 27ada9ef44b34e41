from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kat_ray.pairs.demonstration import DemonstrationConfig, write
from kat_ray.storage import Location

CHECKOUT = Path(__file__).resolve().parents[2]


class JobRun(NamedTuple):
    code: int
    summary: dict[str, Any]
    stdout: str
    stderr: str


Job = Callable[..., JobRun]


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """A running cluster that every job of the session joins, so that none pays for starting its own."""
    from ray.cluster_utils import Cluster

    saved = dict(os.environ)
    os.environ["RAY_AUTH_MODE"] = "disabled"
    head = {"num_cpus": 2, "object_store_memory": 200 << 20, "include_dashboard": False, "dashboard_port": 0}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    names = {"RAY_ADDRESS": cluster.address, "RAY_AUTH_MODE": "disabled", "HF_HUB_OFFLINE": "1"}
    yield {**saved, **names, "PYTHONPATH": str(CHECKOUT), "KAT_RAY_TRACEBACK": "1", "COLUMNS": "80"}
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture(scope="session")
def job(environment: dict[str, str]) -> Job:
    def run(name: str, *arguments: object, cwd: Path | None = None) -> JobRun:
        command = [sys.executable, "-m", f"jobs.{name}", *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=240, check=False
        )
        last = done.stdout.strip().splitlines()[-1:] or ["{}"]
        return JobRun(done.returncode, json.loads(last[0]), done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "pairs.jsonl"
    write(Location(str(path)), DemonstrationConfig(rows=500))
    return path


@pytest.fixture(scope="session")
def store(job: Job, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "store"
    built = job("build", "--pairs", pairs, "--out", out, "--encoder", "hashing")
    assert built.code == 0, built.stderr
    return out
