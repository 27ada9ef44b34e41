"""Peak memory of an embedded cluster: what this process and all below it hold together, shared pages counted once.

Knows processes; nothing of Ray. A cluster that was joined is not ours to measure.
"""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

SAMPLE_SECONDS = 1.0


class PeakMemory:
    """Samples the proportional set size of the process tree while the block runs.

    Example: with PeakMemory() as memory: …; memory.peak_bytes
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_stopped, name="peak-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample_until_stopped(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, _tree_bytes())
            if self._stop.wait(SAMPLE_SECONDS):
                return


def _tree_bytes() -> int:
    root = psutil.Process()
    return sum(_proportional_bytes(process) for process in (root, *root.children(recursive=True)))


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return 0  # it ended between the listing and the look
