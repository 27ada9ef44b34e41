"""The service in a process of its own: `python -m jobs.serve` as its users start it, or uvicorn alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import psutil
import urllib3

from kat_ray.ports import usable_port
from tests.serve.cluster import ask, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
_RAY_NAMES = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@dataclass
class ServiceProcess:
    """A job that has told its line, and what it has printed since."""

    process: subprocess.Popen[str]
    line: dict[str, Any]
    stderr: IO[str]
    processes: list[psutil.Process]
    """The job and all that it started until it was ready."""

    @property
    def url(self) -> str:
        return str(self.line["url"])

    def end(self, number: signal.Signals, whole_group: bool = False) -> tuple[int, str, str]:
        """Send a signal and wait; exit code, further lines on stdout, and all of stderr."""
        if whole_group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=90)
        self.stderr.seek(0)
        return self.process.returncode, rest, self.stderr.read()

    def left(self) -> list[psutil.Process]:
        """What is still there some time after the end."""
        return psutil.wait_procs(self.processes, timeout=30)[1]


@contextmanager
def started_service(folder: Path, uri: str, *arguments: object, **environment: str) -> Iterator[ServiceProcess]:
    """The job from its line to the end of the block, in an embedded cluster unless `environment` names one."""
    command = [sys.executable, "-m", "jobs.serve", "--snapshot", uri, *map(str, arguments)]
    names = {name: value for name, value in os.environ.items() if name not in _RAY_NAMES}
    names |= {"PYTHONPATH": str(CHECKOUT), "COLUMNS": "80", **environment}
    with (folder / "stderr.txt").open("w+") as stderr:
        process = subprocess.Popen(
            command, env=names, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
        )
        try:
            line = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            assert line["ok"], line["error"]
            family = [psutil.Process(process.pid)] if process.poll() is None else []
            family += [child for parent in family for child in parent.children(recursive=True)]
            yield ServiceProcess(process, line, stderr, family)
        finally:
            if process.poll() is None:
                process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.stdout.close()  # type: ignore[union-attr]


class PlainService(NamedTuple):
    """The same app without Ray."""

    processes: list[psutil.Process]
    url: str
    ready_seconds: float
    """From the end of its imports to its first answer."""


@contextmanager
def plain_uvicorn(uri: str) -> Iterator[PlainService]:
    """The app by uvicorn alone, from its first answer to the end of the block."""
    port = usable_port("127.0.0.1")
    command = [sys.executable, "-m", "serve.plain_server", uri, str(port)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        imported = float(process.stdout.readline())  # type: ignore[union-attr]
        wait_until(lambda: _is_ready(url))
        yield PlainService([psutil.Process(process.pid)], url, time.time() - imported)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()  # type: ignore[union-attr]


def _is_ready(url: str) -> bool:
    try:
        return ask(url, "GET", "/v1/health/ready", token=None).status == 200
    except urllib3.exceptions.HTTPError:
        return False
