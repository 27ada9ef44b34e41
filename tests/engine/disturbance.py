"""Something that goes wrong in the middle of a stage: acts when enough blocks are finished, then watches over them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.engine.conftest import workers_named


class Disturbance:
    """Calls `act` each time `count` more block files lie below `folder`, `times` times in all.

    `finished` are the blocks at the last disturbance, `rewritten` those that were written again after any of them.

    Example: with Disturbance(folder, 2, kill_one("_EncodeBlock")) as disturbance: embed(...)
    """

    def __init__(self, folder: Path, count: int, act: Callable[[], None], times: int = 1) -> None:
        self.finished: dict[str, int] = {}
        self.rewritten: set[str] = set()
        self.error: BaseException | None = None
        self._folder, self._count, self._act, self._times = folder, count, act, times
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
            for number in range(1, self._times + 1):
                while len(self._blocks()) < number * self._count:
                    self._look()
                    if self._stop.wait(0.002):
                        raise AssertionError(f"the stage ended before {number * self._count} of its blocks were seen")
                self._look()
                self.finished = self._blocks()
                self._act()
            while not self._stop.wait(0.01):
                self._look()
        except BaseException as error:  # noqa: BLE001 - shown by the thread that waits
            self.error = error

    def _look(self) -> None:
        now = self._blocks()
        self.rewritten |= {name for name, node in self.finished.items() if now.get(name, node) != node}

    def _blocks(self) -> dict[str, int]:
        found = {}
        with suppress(FileNotFoundError):  # a finished stage removes its blocks and their folder
            for path in self._folder.rglob("*.npz"):
                with suppress(FileNotFoundError):
                    found[path.name] = path.stat().st_ino
        return found


def kill_one(part: str) -> Callable[[], None]:
    """Kills the worker with the lowest process id whose title has this part, as the kernel would."""

    def kill() -> None:
        workers = workers_named(part)
        assert workers, f"no worker named {part}"
        min(workers, key=lambda process: process.pid).send_signal(signal.SIGKILL)

    return kill
