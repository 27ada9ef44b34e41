"""Seconds of each part, without those of parts that began inside it; and what runs, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Example: with clock.part("layout"): …; clock.seconds["layout"]"""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()
        self._inner = [0.0]

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return time.perf_counter() - self._started

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the block for this part and for none around it."""
        started = time.perf_counter()
        self._tell(f"{name}: begins")
        self._inner.append(0.0)
        try:
            yield
        finally:
            whole, inner = time.perf_counter() - started, self._inner.pop()
            self._inner[-1] += whole
            self.seconds[name] = self.seconds.get(name, 0.0) + whole - inner
            self._tell(f"{name}: {self.seconds[name]:.1f} s")

    def _tell(self, what: str) -> None:
        print(f"[{self.elapsed:7.1f} s] {what}", file=sys.stderr, flush=True)
