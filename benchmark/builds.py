"""Builds as their users start them: processes of `python -m jobs.build`, timed from start to end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from tempfile import TemporaryFile
from typing import Any

from benchmark.figures.machine import ROOT
from kat_ray.errors import ResourceError
from kat_ray.snapshot.snapshot import Snapshot

_SHOWN_BYTES = 4_000


@dataclass(frozen=True)
class Built:
    """One build: `seconds` of the whole process, its summary line, and the stages' own seconds."""

    seconds: float
    line: dict[str, Any]

    @cached_property
    def snapshot(self) -> Snapshot:
        """What it published."""
        return Snapshot.open(str(self.line["snapshot"]))

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of each stage by its name in the manifest."""
        return dict(self.snapshot.manifest.stage_seconds)

    @property
    def peak_bytes(self) -> int:
        """Proportional set size of the process tree at its largest."""
        return int(self.line["peak_memory_bytes"])


def run_build(pairs: Sequence[str], store: str, *options: object) -> Built:
    """Build in an embedded cluster.

    Raises:
        ResourceError: it failed; with its own sentence.
    """
    command = [sys.executable, "-m", "jobs.build", "--pairs", *pairs, "--out", store, "--address", "local"]
    seconds, text = timed_process([*command, *map(str, options)])
    line = json.loads(text.splitlines()[-1])
    if not line["ok"]:
        raise ResourceError(f"The build failed: {line['error']}")
    return Built(seconds, line)


def timed_process(command: Sequence[str]) -> tuple[float, str]:
    """Seconds of a process and its stdout; its stderr is shown only where it failed.

    Raises:
        ResourceError: it ended without a word.
    """
    with TemporaryFile() as told:
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=told, text=True, check=False)  # noqa: S603
        seconds = time.perf_counter() - started
        if done.returncode:
            told.seek(max(0, told.seek(0, 2) - _SHOWN_BYTES))
            print(told.read().decode("utf-8", "replace"), file=sys.stderr)
    if not done.stdout.strip():
        raise ResourceError(f"{' '.join(command[1:3])} ended with exit code {done.returncode} and told nothing.")
    return seconds, done.stdout
