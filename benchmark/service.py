"""The service as its users start it: a process of `python -m jobs.serve` on a free port."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

from benchmark.machine import ROOT
from kat_ray.errors import ResourceError

_END_SECONDS = 30
_SHOWN_BYTES = 2_000


@contextmanager
def running(snapshot: str) -> Iterator[str]:
    """The service over a store or a snapshot; its address, such as http://127.0.0.1:41234.

    Raises:
        ResourceError: it did not become ready; with what it said last.
    """
    command = [sys.executable, "-m", "jobs.serve", "--snapshot", snapshot, "--port", "0"]
    with TemporaryFile() as told:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=told, text=True)  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("{") or not (ready := json.loads(line)).get("ok"):
                raise ResourceError(f"The service did not start: {_last(told)}")
            yield str(ready["url"])
        finally:
            _end(process)


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
