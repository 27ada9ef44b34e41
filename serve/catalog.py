"""Which snapshot is the current one, and the others that are still asked for.

The store is asked in between requests. A new snapshot is opened whole before one reference changes, so that every
request sees the old one or the new one; the old ones stay open, the least recently asked for going first.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from kat_ray.errors import KatRayError, SnapshotError, SnapshotNotFoundError
from kat_ray.snapshot.manifest import Manifest
from kat_ray.snapshot.store import MANIFEST_NAME, Store, read_manifest
from kat_ray.storage import Location
from serve.refusals import RefusedError, is_outage, store_unavailable
from serve.served import ServedSnapshot

LOG = logging.getLogger("kat_ray.serve")

NUM_OLD = 4
"""Snapshots kept open besides the current one."""
_RETRY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A snapshot that can be asked for."""

    snapshot_id: str
    created_at: str
    current: bool


class _Opening:
    """A snapshot being opened: whoever else asks for it waits, and nobody who asks for another one does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class SnapshotCatalog:
    """Snapshots of one store, or one snapshot alone. Safe to use from many threads.

    `open_snapshot` opens the snapshot of an id, or the only one for None; `switched` hears of the
    last current one and the new one.
    """

    def __init__(
        self,
        location: Location,
        open_snapshot: Callable[[str | None], ServedSnapshot],
        switched: Callable[[ServedSnapshot | None, ServedSnapshot], None],
    ) -> None:
        self._location = location
        self._open_snapshot = open_snapshot
        self._switched = switched
        self._current: ServedSnapshot | None = None
        self._old: OrderedDict[str, ServedSnapshot] = OrderedDict()
        self._switching = threading.Lock()
        self._opening: WeakValueDictionary[str, _Opening] = WeakValueDictionary()
        self._keeping = threading.Lock()
        self._is_single: bool | None = None
        self.problem: str | None = None
        """Why the store could not be followed at the last look; None when it could."""

    @property
    def store(self) -> Store | None:
        """The store that is followed; None for a single snapshot."""
        if self._is_single is None:
            self._is_single = (self._location / MANIFEST_NAME).exists()
        return None if self._is_single else Store(self._location)

    @property
    def is_ready(self) -> bool:
        """Whether there is a current snapshot."""
        return self._current is not None

    def current(self) -> ServedSnapshot:
        """The current snapshot.

        Raises:
            RefusedError: there is none yet.
        """
        if (current := self._current) is None:
            raise RefusedError(503, "No snapshot is ready to be served yet; try again soon.", _RETRY_SECONDS)
        return current

    def held(self, snapshot_id: str) -> ServedSnapshot | None:
        """The snapshot of this id if it is open; touches no file."""
        current = self._current
        if current is not None and current.snapshot_id == snapshot_id:
            return current
        with self._keeping:
            if snapshot_id in self._old:
                self._old.move_to_end(snapshot_id)
            return self._old.get(snapshot_id)

    def get(self, snapshot_id: str) -> ServedSnapshot:
        """The snapshot of this id, opened if need be.

        Raises:
            RefusedError: there is none of this id, or it is damaged.
        """
        if (found := self.held(snapshot_id)) is not None:
            return found
        self.manifest(snapshot_id)
        with self._keeping:
            opening = self._opening.setdefault(snapshot_id, _Opening())
        with opening.lock:
            if (found := self.held(snapshot_id)) is None:
                with _refusing(snapshot_id):
                    found = self._open_snapshot(snapshot_id if self.store is not None else None)
                self._keep(found)
            return found

    def manifest(self, snapshot_id: str) -> Manifest:
        """The manifest of a snapshot, which is not opened for it.

        Raises:
            RefusedError: there is none of this id, or it is damaged.
        """
        if (found := self.held(snapshot_id)) is not None:
            return found.snapshot.manifest
        with _refusing(snapshot_id):
            manifest = self.store.manifest(snapshot_id) if self.store is not None else read_manifest(self._location)
            if manifest.snapshot_id != snapshot_id:
                raise SnapshotNotFoundError(f"The only snapshot here is {manifest.snapshot_id}.")
            return manifest

    def list(self) -> list[CatalogEntry]:
        """All snapshots that can be asked for, newest first."""
        current = self._current.snapshot_id if self._current is not None else None
        with _refusing("here"):
            found = self.store.list() if self.store is not None else [read_manifest(self._location)]
            return [CatalogEntry(one.snapshot_id, one.created_at, one.snapshot_id == current) for one in found]

    def refresh(self) -> bool:
        """Ask the store for its current snapshot and switch to it; whether there was a switch. A store that cannot be
        read, or whose current snapshot is damaged, leaves everything as it is."""
        try:
            with self._switching:
                switched = self._follow()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the store, the old snapshot is served on
            self._note(f"{type(error).__name__}: {error}" if not isinstance(error, KatRayError) else str(error))
            return False
        self.problem = None
        return switched

    def switch(self, snapshot_id: str) -> ServedSnapshot:
        """Make a snapshot of the store the current one, for everyone who follows it.

        Raises:
            RefusedError: there is none of this id, it is damaged, or there is no store.
        """
        if self.store is None:
            raise RefusedError(409, "A single snapshot is served, so there is none to switch to: serve the store.")
        found = self.get(snapshot_id)
        with self._switching, _refusing(snapshot_id):
            self.store.set_current(snapshot_id)
            self._make_current(found)
        return found

    def _follow(self) -> bool:
        current = self._current
        snapshot_id = self.store.current() if self.store is not None else None
        if current is not None and snapshot_id in (None, current.snapshot_id):
            return False
        held = self.held(snapshot_id) if snapshot_id is not None else None
        self._make_current(held or self._open_snapshot(snapshot_id))
        return True

    def _make_current(self, served: ServedSnapshot) -> None:
        old, self._current = self._current, served
        if old is served:
            return
        if old is not None:
            self._keep(old)
        LOG.info("The current snapshot is %s.", served.snapshot_id)
        self._switched(old, served)

    def _keep(self, served: ServedSnapshot) -> None:
        with self._keeping:
            self._old[served.snapshot_id] = served
            self._old.move_to_end(served.snapshot_id)
            while len(self._old) > NUM_OLD:
                self._old.popitem(last=False)

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            LOG.warning("The store cannot be followed, the snapshot stays: %s", problem)
        self.problem = problem


@contextmanager
def _refusing(snapshot_id: str) -> Iterator[None]:
    """What is wrong with a snapshot that was asked for by its id, as a refusal."""
    try:
        yield
    except RefusedError:
        raise
    except SnapshotNotFoundError:
        raise RefusedError(
            404, f"There is no snapshot {snapshot_id}; GET /v1/snapshots lists those there are."
        ) from None
    except (OSError, KatRayError) as error:
        if isinstance(error, SnapshotError) and not is_outage(error):
            raise RefusedError(409, f"Snapshot {snapshot_id} cannot be used: {error}") from None
        LOG.warning("Snapshot %s cannot be reached: %s", snapshot_id, error)
        raise store_unavailable() from None
