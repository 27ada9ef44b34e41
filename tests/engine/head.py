"""A head node of our own as `ray start` makes it, with a dashboard that takes jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from kat_ray.ports import usable_port
from tests.engine.conftest import CHECKOUT, JobRun

BIN = Path(sys.executable).parent


def _different_ports(count: int) -> set[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(usable_port("127.0.0.1"))
    return ports


def is_up(dashboard: str) -> bool:
    try:
        with urllib.request.urlopen(f"{dashboard}/api/version", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


class Head:
    """`ray start --head` of our own, and what can be asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        gcs, dashboard, agent, client, metrics = _different_ports(5)
        self.address, self.dashboard = f"127.0.0.1:{gcs}", f"http://127.0.0.1:{dashboard}"
        self.environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
        command = [BIN / "ray", "start", "--head", "--block", "--num-cpus=2", f"--temp-dir={folder}"]
        ports = [f"--port={gcs}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"]
        ports += [
            f"--ray-client-server-port={client}",
            f"--metrics-export-port={metrics}",
            "--node-ip-address=127.0.0.1",
        ]
        self.log = (folder.parent / f"{folder.name}.log").open("w")
        self.process = subprocess.Popen(
            [*command, *ports, "--disable-usage-stats"], env=self.environment, stdout=self.log, stderr=self.log
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while not is_up(self.dashboard):
            assert self.process.poll() is None, Path(self.log.name).read_text()
            assert time.monotonic() < deadline, Path(self.log.name).read_text()

    def submit(self, *entrypoint: object) -> JobRun:
        command = [BIN / "ray", "job", "submit", f"--address={self.dashboard}", f"--working-dir={CHECKOUT}", "--"]
        done = subprocess.run(
            [*command, *map(str, entrypoint)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"job"')]
        return JobRun(done.returncode, json.loads(lines[-1]) if lines else {}, done.stdout, done.stderr)

    def stop(self) -> None:
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(60)
        psutil.wait_procs(processes, timeout=60)
        self.log.close()


@contextmanager
def running_head() -> Iterator[Head]:
    """A head with two CPUs; its folder is short, since sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="kr-", dir="/tmp"))
    head = Head(folder)
    try:
        head.wait()
        yield head
    finally:
        head.stop()
        Path(head.log.name).unlink()
        shutil.rmtree(folder, ignore_errors=True)
