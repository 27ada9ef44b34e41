"""Peak memory of an embedded cluster: what this process and all below it hold together, shared pages counted once.

Knows processes; nothing of Ray. A cluster that was joined is not ours to measure. To count shared pages once the
kernel walks through all of them, a tenth of a core where it is done each second; so that is done only where resident
pages, which cost nothing to ask for, are more than at the last look, and else each ten seconds.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

import psutil

SAMPLE_SECONDS = 1.0
_LONGEST_SECONDS = 10.0
_MORE = 1.02  # resident bytes, over those at the last look, that call for another one


class PeakMemory:
    """Samples the proportional set size of the process tree while the block runs.

    Example: with PeakMemory() as memory: …; memory.peak_bytes
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._resident, self._looked_at = 0.0, -_LONGEST_SECONDS  # when it looked last
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
            self._sample()
            if self._stop.wait(SAMPLE_SECONDS):
                return

    def _sample(self) -> None:
        root, now = psutil.Process(), time.monotonic()
        tree = (root, *root.children(recursive=True))
        resident = sum(_bytes(process, "memory_info", "rss") for process in tree)
        if resident > _MORE * self._resident or now - self._looked_at >= _LONGEST_SECONDS:
            self._resident, self._looked_at = resident, now
            self.peak_bytes = max(self.peak_bytes, sum(_bytes(process, "memory_full_info", "pss") for process in tree))


def _bytes(process: psutil.Process, look: str, name: str) -> int:
    try:
        return int(getattr(getattr(process, look)(), name))
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return 0  # it ended between the listing and the look
