"""The peak memory of a process tree."""

from __future__ import annotations

import subprocess
import sys

from kat_ray.engine.memory import PeakMemory

HOLD = "import sys; block = bytearray(b'x') * (200 << 20); print('held', flush=True); sys.stdin.read()"


def test_memory_of_a_child_counts_and_is_remembered_after_it_ended() -> None:
    with PeakMemory() as memory:
        child = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        before = memory.peak_bytes
        while memory.peak_bytes < 200 << 20:
            assert child.poll() is None
        child.communicate()
    assert memory.peak_bytes >= 200 << 20
    assert before < memory.peak_bytes or before >= 200 << 20
