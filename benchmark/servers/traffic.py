"""A given request, sent again and again over some connections: how many a second, and how long each takes.

By wrk (Debian has it) where it is installed, else by threads of this process, which then take part of the CPU.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

NUM_CONNECTIONS = 8
_SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "{method}", file:read("*a")
file:close()
for name, value in pairs({{{headers}}}) do wrk.headers[name] = value end
done = function(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format('{{"requests": %d, "microseconds": %d, "failed": %d, "p50": %f, "p99": %f}}',
    summary.requests, summary.duration, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of `num_ids` ids."""

    name: str
    num_ids: int
    body: bytes
    content_type: str
    path: str = "/v1/weights"

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the body."""
        return {"Content-Type": self.content_type}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; times in milliseconds."""

    requests_per_second: float
    p50: float
    p99: float
    num_failed: int


def measure(url: str, request: Request, seconds: float, folder: Path) -> Figures:
    """The figures of one request at one URL, after a few unmeasured ones."""
    _repeat(url, request, 0.3, 2)
    return _by_wrk(url, request, seconds, folder) if shutil.which("wrk") else _by_threads(url, request, seconds)


def _by_wrk(url: str, request: Request, seconds: float, folder: Path) -> Figures:
    body, script = folder / "body", folder / "request.lua"
    body.write_bytes(request.body)
    headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in request.headers.items())
    script.write_text(_SCRIPT.format(body=body, method="POST", headers=headers))
    command = f"wrk -t1 -c{NUM_CONNECTIONS} -d{max(1, round(seconds))}s --timeout 20s -s".split()
    command += [str(script), url + request.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    found = json.loads(re.findall(r"\{.*\}", done.stderr)[-1])
    rate = found["requests"] / (found["microseconds"] / 1e6)
    return Figures(rate, found["p50"], found["p99"], found["failed"])


def _by_threads(url: str, request: Request, seconds: float) -> Figures:
    took, num_failed, spent = _repeat(url, request, seconds, NUM_CONNECTIONS)
    p50, p99 = np.percentile(took, [50, 99])
    return Figures(len(took) / spent, float(p50), float(p99), num_failed)


def _repeat(url: str, request: Request, seconds: float, num_threads: int) -> tuple[list[float], int, float]:
    """Milliseconds of each request, how many failed, and the seconds of all of it."""
    took: list[float] = []
    failed: list[int] = []
    parts, started = urlsplit(url), time.perf_counter()

    def run() -> None:
        with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)) as connection:
            while (begun := time.perf_counter()) < started + seconds:
                connection.request("POST", request.path, body=request.body, headers=request.headers)
                answer = connection.getresponse()
                answer.read()
                took.append((time.perf_counter() - begun) * 1e3)
                if answer.status != 200:
                    failed.append(answer.status)

    threads = [threading.Thread(target=run) for _ in range(num_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, len(failed), time.perf_counter() - started
