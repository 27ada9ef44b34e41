"""Clusters on this machine and small corpora, for everything that runs on Ray."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import pyarrow as pa
import pytest
from ray.cluster_utils import Cluster

from kat_ray.engine.session import session
from kat_ray.snapshot.columns import PROMPTS_SCHEMA, write_parquet
from kat_ray.storage import Location

CHECKOUT = Path(__file__).resolve().parents[2]
OBJECT_STORE_BYTES = 100 << 20


@pytest.fixture(scope="session", autouse=True)
def ray_environment() -> Iterator[None]:
    """No cluster to trip over and no token of this machine's user, whatever the home directory holds."""
    saved = dict(os.environ)
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        os.environ.pop(name, None)
    os.environ["RAY_AUTH_MODE"] = "disabled"
    yield
    os.environ.clear()
    os.environ.update(saved)


def start_cluster(*nodes: dict[str, Any], **system: object) -> Cluster:
    """Nodes of one machine, the first of them the head; a lost one is noticed after about four seconds."""
    system |= {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 4}
    cluster = Cluster()
    for number, resources in enumerate(nodes):
        head = {"_system_config": system, "include_dashboard": False, "dashboard_port": 0} if number == 0 else {}
        cluster.add_node(object_store_memory=OBJECT_STORE_BYTES, **resources, **head)
    return cluster


@pytest.fixture(scope="module")
def joined() -> Iterator[None]:
    """This process is the driver of a cluster of one node with two CPUs."""
    cluster = start_cluster({"num_cpus": 2})
    with session(cluster.address):
        yield
    cluster.shutdown()


Job = subprocess.Popen[str]


class JobRun(NamedTuple):
    code: int
    summary: dict[str, Any]
    stdout: str
    stderr: str


def job_environment(**more: str | None) -> dict[str, str]:
    """For a job in a process of its own, which starts an embedded cluster unless `more` names one; None removes."""
    names = {**os.environ, "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1", "COLUMNS": "80", **more}
    return {name: value for name, value in names.items() if value is not None}


def start_job(name: str, *arguments: object, output: int | None = subprocess.DEVNULL, **environment: str | None) -> Job:
    command = [sys.executable, "-m", f"jobs.{name}", *map(str, arguments)]
    variables = job_environment(**environment)
    return subprocess.Popen(command, env=variables, cwd=CHECKOUT, stdout=output, stderr=output, text=True)


def run_job(name: str, *arguments: object, **environment: str | None) -> JobRun:
    process = start_job(name, *arguments, output=subprocess.PIPE, **environment)
    stdout, stderr = process.communicate(timeout=280)
    last = stdout.strip().splitlines()[-1:] or ["{}"]
    return JobRun(process.returncode, json.loads(last[0]), stdout, stderr)


def workers_named(part: str) -> list[psutil.Process]:
    """Worker processes of the clusters of this process whose title, the running method, has this part."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if part in " ".join(process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def row(text: str, source: str = "own", **replies: str) -> dict[str, Any]:
    return {"prefix": {"messages": [{"role": "user", "content": text}]}, "src": source, **replies}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in rows))
    return path


def make_texts(count: int, words: int = 8, seed: int = 0) -> list[str]:
    """Different texts of made-up words."""
    numbers = np.random.default_rng(seed).integers(0, 2000, (count, words))
    return [" ".join(f"w{number}" for number in line) + f" n{index}" for index, line in enumerate(numbers.tolist())]


def write_texts(folder: Path, texts: list[str]) -> Location:
    """What the stage reads of a table of prompts."""
    schema = pa.schema([PROMPTS_SCHEMA.field("text"), PROMPTS_SCHEMA.field("text_hash")])
    hashes = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
    location = Location(str(folder / "prompts.parquet"))
    write_parquet(location, schema, iter([pa.table({"text": texts, "text_hash": hashes}, schema=schema)]))
    return location


def checksums(snapshot: Path) -> dict[str, str]:
    """Checksum of every column of a snapshot folder, from its manifest."""
    manifest = json.loads((snapshot / "manifest.json").read_text())
    return {column["name"]: column["checksum"] for column in manifest["columns"]}
