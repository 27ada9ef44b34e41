"""The service as its users start it, a process of `python -m jobs.serve` on a free port; or its app by uvicorn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

from benchmark.figures.machine import ROOT
from kat_ray.errors import ResourceError
from kat_ray.ports import usable_port

_END_SECONDS = 30
_READY_SECONDS = 60
_SHOWN_BYTES = 2_000


@contextmanager
def running(snapshot: str, **environment: str) -> Iterator[str]:
    """The service over a store or a snapshot; its address, such as http://127.0.0.1:41234.

    `environment` is added to that of this process.

    Raises:
        ResourceError: it did not become ready; with what it said last.
    """
    command = [sys.executable, "-m", "jobs.serve", "--snapshot", snapshot, "--port", "0"]
    with TemporaryFile() as told:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=told, text=True
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("{") or not (ready := json.loads(line)).get("ok"):
                raise ResourceError(f"The service did not start: {_last(told)}")
            yield str(ready["url"])
        finally:
            _end(process)


@contextmanager
def running_plain(snapshot: str) -> Iterator[str]:
    """The same app by uvicorn alone; its address.

    Raises:
        ResourceError: it did not become ready.
    """
    port = usable_port("127.0.0.1")
    command = [sys.executable, "-m", "serve.plain_server", snapshot, str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url, process)
        yield url
    finally:
        _end(process)


def _await(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/v1/health/ready", timeout=_READY_SECONDS).close()  # noqa: S310
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise ResourceError("The app by uvicorn alone did not become ready.")


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _last(told: IO[bytes]) -> str:
    told.seek(max(0, told.seek(0, 2) - _SHOWN_BYTES))
    return told.read().decode("utf-8", "replace").strip()
