"""Something that goes wrong in the middle of a stage: acts when enough blocks are finished, then watches over them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.engine.conftest import workers_named


class Disturbance:
    """Calls `act` once `count` block files lie below `folder`; `rewritten` are those of them that were written again.

    Example: with Disturbance(folder, 2, kill_one("_EncodeBlock")) as disturbance: embed(...)
    """

    def __init__(self, folder: Path, count: int, act: Callable[[], None]) -> None:
        self.finished: dict[str, int] = {}
        self.rewritten: set[str] = set()
        self.error: BaseException | None = None
        self._folder, self._count, self._act = folder, count, act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Disturbance:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            while len(self._blocks()) < self._count:
                if self._stop.wait(0.002):
                    raise AssertionError(f"the stage ended before {self._count} of its blocks were seen")
            self.finished = self._blocks()
            self._act()
            while not self._stop.wait(0.01):
                now = self._blocks()
                self.rewritten |= {name for name, node in self.finished.items() if now.get(name, node) != node}
        except BaseException as error:  # noqa: BLE001 - shown by the thread that waits
            self.error = error

    def _blocks(self) -> dict[str, int]:
        found = {}
        for path in self._folder.rglob("*.npz"):
            try:
                found[path.name] = path.stat().st_ino
            except FileNotFoundError:
                continue
        return found


def kill_one(part: str) -> Callable[[], None]:
    """Kills the worker with the lowest process id whose title has this part, as the kernel would."""

    def kill() -> None:
        workers = workers_named(part)
        assert workers, f"no worker named {part}"
        min(workers, key=lambda process: process.pid).send_signal(signal.SIGKILL)

    return kill
