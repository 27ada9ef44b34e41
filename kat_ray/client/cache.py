"""Weight tables on this machine's disk, shared by all processes of it, so that a snapshot is fetched once.

    <folder>/<snapshot id>-<checksum>.arrow   a table; the name says what the bytes must be, checked on every open
    <folder>/sources/<hash of a name>.json    the version that a service gave last, and when: for the time it is away

Files appear whole, so processes may write and read at once. Knows nothing of how tables travel.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kat_ray.errors import InputError, SnapshotDamagedError, SnapshotError
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.storage import Location

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{64})")
_ABANDONED_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """One table: the snapshot's id, and the BLAKE2b-256 of the file in hex.

    Raises:
        SnapshotDamagedError: these are not an id and a checksum.
    """

    snapshot_id: str
    checksum: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(f"{self.snapshot_id}-{self.checksum}"):
            raise SnapshotDamagedError(
                f"The weights name snapshot {self.snapshot_id[:80]!r} and checksum {self.checksum[:80]!r}, expected "
                "16 and 64 hex digits."
            )


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a source gave last, and when it last said that this is the current one (seconds since 1970)."""

    version: Version
    checked_at: float


class WeightCache:
    """Tables in a folder. Example: WeightCache("/scratch/weights").versions()"""

    def __init__(self, folder: str | os.PathLike[str] | None = None, keep: int = 16) -> None:
        """`folder` is KAT_RAY_CACHE or ~/.cache/kat-ray/weights when None; `keep` tables stay, the last used ones."""
        if keep < 1:
            raise InputError(f"The cache is to keep {keep} tables, expected at least 1.")
        self.folder = _default_folder() if folder is None else Path(folder).absolute()
        self._keep = keep

    def versions(self, snapshot_id: str | None = None) -> list[Version]:
        """Tables that lie here, or those of one snapshot, last used first; none of them is checked."""
        found = sorted(self._tables(), reverse=True)
        return [version for _, version, _ in found if snapshot_id in (None, version.snapshot_id)]

    def open(self, version: Version) -> WeightTable | None:
        """The table, memory-mapped; None when there is none. One that was altered is removed, so that it is fetched."""
        path = self._path(version)
        try:
            if not path.exists():
                return None
            table = WeightTable.open(path, version.checksum)
            with suppress(OSError):  # a cache may be shared read-only; then the order of use is not kept
                os.utime(path)
        except SnapshotDamagedError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        return table

    def add(self, version: Version, data: bytes) -> WeightTable:
        """Keep the bytes of a table and open it; where they cannot be kept, it is used from memory.

        Raises:
            SnapshotDamagedError: the bytes are not those of the checksum, or no table of this snapshot.
        """
        checksum = hashlib.blake2b(data, digest_size=32).hexdigest()
        if checksum != version.checksum:
            raise SnapshotDamagedError(
                f"The weights of snapshot {version.snapshot_id} came damaged: {len(data):,} bytes with checksum "
                f"{checksum}, expected {version.checksum}."
            )
        table = WeightTable.from_bytes(data)
        if table.snapshot_id != version.snapshot_id:
            raise SnapshotDamagedError(
                f"The weights came as those of snapshot {version.snapshot_id}, but are of {table.snapshot_id[:80]!r}."
            )
        if not self._write(self._path(version), data):
            return table
        self._prune()
        return WeightTable.open(self._path(version))

    def remember(self, source: str, version: Version, checked_at: float) -> None:
        """Note that the source called this version its current one; a folder that cannot be written has no notes."""
        content = {"snapshot_id": version.snapshot_id, "checksum": version.checksum, "checked_at": checked_at}
        self._write(self._note(source), json.dumps(content).encode())

    def recall(self, source: str) -> Remembered | None:
        """The last note on a source; None when there is none that can be read."""
        try:
            content = json.loads(self._note(source).read_bytes())
            version = Version(str(content["snapshot_id"]), str(content["checksum"]))
            return Remembered(version, float(content["checked_at"]))
        except (OSError, ValueError, KeyError, TypeError, SnapshotError):
            return None

    def _path(self, version: Version) -> Path:
        return self.folder / f"{version.snapshot_id}-{version.checksum}.arrow"

    def _note(self, source: str) -> Path:
        return self.folder / "sources" / f"{hashlib.blake2b(source.encode(), digest_size=16).hexdigest()}.json"

    def _write(self, path: Path, data: bytes) -> bool:
        """Whether it was written: a cache that is full or read-only must not end a training."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            Location(str(path)).write_bytes(data)
        except OSError as error:
            _LOG.warning(
                "Cannot write the cache of weights in %s: %s; without it there are no weights while their source is "
                "away. Name another folder by cache=… or the environment variable KAT_RAY_CACHE.",
                self.folder,
                error.strerror or error,
            )
            return False
        return True

    def _tables(self) -> Iterator[tuple[float, Version, Path]]:
        for path in self.folder.glob("*.arrow"):
            name = _NAME.fullmatch(path.stem)
            with suppress(FileNotFoundError):  # another process removes old ones too
                if name:
                    yield path.stat().st_mtime, Version(*name.groups()), path

    def _prune(self) -> None:
        """Tables that others have mapped stay readable for them; files that a killed process left behind go too."""
        old = [path for _, _, path in sorted(self._tables(), reverse=True)[self._keep :]]
        abandoned = [path for path in self.folder.glob(".*.part") if _age_seconds(path) > _ABANDONED_SECONDS]
        for path in old + abandoned:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _default_folder() -> Path:
    named = os.environ.get("KAT_RAY_CACHE")
    try:
        return Path(named).absolute() if named else Path.home() / ".cache" / "kat-ray" / "weights"
    except RuntimeError as error:
        raise InputError("There is no home folder for the cache of weights; name one by KAT_RAY_CACHE.") from error
