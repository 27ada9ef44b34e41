"""Private folders in the place for temporary files, gone when their owner is.

A folder is locked by its process as long as that lives, so that the next one can tell the folders of killed processes
and remove them; cleaners that go by age, as systemd's, pass a locked folder over. Where one is removed nevertheless, it
is made anew.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

_PREFIX = "kat-ray-served-"


class PrivateFolder:
    """A folder for its owner alone. Example: folder = PrivateFolder(); (folder() / "weights.json").write_bytes(data)"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path, descriptor = _make()
        self._remove = weakref.finalize(self, _remove, self._path, descriptor)

    def __call__(self) -> Path:
        """The folder, which is there."""
        with self._lock:
            if not self._path.is_dir():
                self._remove()
                self._path, descriptor = _make()
                self._remove = weakref.finalize(self, _remove, self._path, descriptor)
            return self._path


def remove_abandoned() -> None:
    """Remove the folders of this user's processes that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # another user's, or gone in the meantime
            continue
        if os.fstat(descriptor).st_uid == os.getuid() and _lock(descriptor):
            _remove(path, descriptor)
        else:
            os.close(descriptor)


def _make() -> tuple[Path, int]:
    """A new folder and what holds its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # another process took it for abandoned before it was locked
            continue
        if _lock(descriptor) and path.is_dir():
            return path, descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock the folder; False when another process has."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(path: Path, descriptor: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(descriptor)
